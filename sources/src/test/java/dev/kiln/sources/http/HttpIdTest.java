package dev.kiln.sources.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected values were made by BuildKit v0.22's code. */
class HttpIdTest {
  private static HttpId id(String url, Map<String, String> attrs) {
    return HttpId.of(new SourceOp(url, attrs));
  }

  @Test
  void keyCoversNameOwnerAndHeaders() {
    assertThat(id("http://h/f", Map.of()).cacheKey("f", Digest.of("index"), ""))
        .hasToString("sha256:0f1a60b9903882e167885c2b5db8a2ded012e1e3eed6badb4ad1e08c7f875bfe");
    var attrs =
        Map.of(
            "http.perm", "0644",
            "http.uid", "1000",
            "http.gid", "0x7",
            "http.authheadersecret", "S",
            "http.header.user-agent", "x",
            "http.header.accept", "text/*",
            "http.header.cookie", "left out");
    assertThat(
            id("http://h/f", attrs)
                .cacheKey("f", Digest.of("index"), "Wed, 21 Oct 2015 07:28:00 GMT"))
        .hasToString("sha256:d5e712ed8e8afa31af0d5346ba1f10c60298a8d1edc9f6041dc8c358f40448a9");
  }

  @ParameterizedTest
  @CsvSource({
    "http://h/a/b.tar?x=/y, '', b.tar",
    "http://h/, '', download",
    "http://h, '', download",
    "http://h/a/, '', a",
    "http://h/x, 'attachment; filename=\"c d.txt\"', c d.txt",
    "http://h/x, 'attachment; filename=/etc/passwd', passwd",
    "http://h/x, 'attachment; filename=dir/', x",
    "http://h/x, 'attachment; filename=\"a\\\"b\"', 'a\"b'",
    "http://h/x, 'attachment; filename*=UTF-8''''n%C3%BC.txt', nü.txt",
    "http://h/x, inline, x",
    "http://h/x, '; filename=y', x",
  })
  void serverAndUrlNameTheFile(String url, String disposition, String name) {
    assertThat(id(url, Map.of()).name(disposition)).isEqualTo(name);
  }

  @Test
  void opsNameWins() {
    assertThat(id("http://h/x", Map.of("http.filename", "n")).name("a; filename=y")).isEqualTo("n");
  }

  @ParameterizedTest
  @CsvSource({
    "'Sun, 06 Nov 1994 08:49:37 GMT', 1994-11-06T08:49:37Z",
    "'Sunday, 06-Nov-94 08:49:37 GMT', 1994-11-06T08:49:37Z",
    "'Tuesday, 24-Nov-26 01:52:37 UTC', 2026-11-24T01:52:37Z",
    "'Sun Nov  6 08:49:37 1994', 1994-11-06T08:49:37Z",
  })
  void serversWriteDatesInThreeForms(String header, String instant) {
    assertThat(HttpDates.parse(header)).contains(java.time.Instant.parse(instant));
    assertThat(HttpDates.parse("yesterday")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "http://[::1, 'http://[::1: it is no URL: Expected closing bracket for IPv6 address'",
    "https://me:word@h/a b, https://xxxxx:xxxxx@h/a b: it is no URL: Illegal character in path",
    "http:///x, http:///x: it names no host",
  })
  void anAddressThatIsNoneIsRefused(String url, String said) {
    assertThatThrownBy(() -> id(url, Map.of()))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
        .hasMessage("invalid http source " + said);
  }
}
