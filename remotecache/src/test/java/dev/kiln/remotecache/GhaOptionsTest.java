package dev.kiln.remotecache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class GhaOptionsTest {
  private static final Instant NOW = Instant.ofEpochSecond(1_000_000);
  private static final String SCOPES =
      """
      [{"Scope":"refs/heads/feature","Permission":3},{"Scope":"refs/heads/main","Permission":1}]\
      """;

  private static String token(String claims) {
    return "e30."
        + Base64.getUrlEncoder()
            .withoutPadding()
            .encodeToString(claims.getBytes(StandardCharsets.UTF_8))
        + ".sig";
  }

  private static String token(long notBefore, long expires) {
    return token(
        "{\"ac\":\"%s\",\"nbf\":%d,\"exp\":%d}"
            .formatted(SCOPES.replace("\"", "\\\""), notBefore, expires));
  }

  private static final String TOKEN = token(999_000, 1_001_000);

  private static GhaOptions options(String... more) {
    var attrs = new TreeMap<>(Map.of("token", TOKEN));
    for (int i = 0; i < more.length; i += 2) {
      attrs.put(more[i], more[i + 1]);
    }
    return GhaOptions.of(attrs, NOW);
  }

  @Test
  void defaults() {
    GhaOptions options = options("url", "https://cache.test/abc/");
    assertThat(options.url()).hasToString("https://cache.test/abc/");
    assertThat(options.timeout()).isEqualTo(Duration.ofMinutes(10));
    assertThat(options.listing()).isEmpty();
    assertThat(options.token().expiresAt()).isEqualTo(Instant.ofEpochSecond(1_001_000));
    assertThat(options.layout().blobs()).isEqualTo("buildkit-blob-1-");
  }

  @Test
  void aTimeoutIsAGoDurationAndZeroIsTheLibrarysOwn() {
    String url = "https://cache.test/";
    assertThat(options("url", url, "timeout", "1h30m").timeout()).isEqualTo(Duration.ofMinutes(90));
    assertThat(options("url", url, "timeout", "0s").timeout()).isEqualTo(Duration.ofMinutes(5));
  }

  @Test
  void eachBranchHasAnIndexAndTheWritableOneIsWritten() {
    String feature = "-1-" + Digest.of("refs/heads/feature").hex().substring(0, 8);
    String main = "-1-" + Digest.of("refs/heads/main").hex().substring(0, 8);
    var layout = options("url", "https://cache.test/").layout();
    assertThat(layout.manifests()).containsExactly("index-buildkit" + feature);
    assertThat(layout.imported())
        .containsExactly("index-buildkit" + feature, "index-buildkit" + main);
    assertThat(options("url", "https://cache.test/", "scope", "app").layout().manifests())
        .containsExactly("index-app" + feature);
  }

  @Test
  void theProtocolFollowsFromTheAddresses() {
    String results = "https://results-receiver.actions.githubusercontent.com/";
    assertThat(options("url", "https://a.test/").version()).isEqualTo(1);
    assertThat(options("url", results).version()).isEqualTo(2);
    assertThat(options("url", results, "version", "1").version()).isEqualTo(1);
    assertThat(options("url", "https://a.test/", "version", "2").version()).isEqualTo(2);
    GhaOptions both = options("url", "https://a.test/", "url_v2", "https://b.test/");
    assertThat(both.version()).isEqualTo(2);
    assertThat(both.url()).hasToString("https://b.test/");
    GhaOptions first =
        options("url", "https://a.test/", "url_v2", "https://b.test/", "version", "1");
    assertThat(first.version()).isEqualTo(1);
    assertThat(first.url()).hasToString("https://a.test/");
  }

  @Test
  void whatIsMissingOrWrongIsNamed() {
    assertThatThrownBy(() -> GhaOptions.of(Map.of("url", "https://a.test/"), NOW))
        .isInstanceOf(BuildException.class)
        .hasMessage("token not set for github actions cache");
    assertThatThrownBy(() -> options()).hasMessage("url not set for github actions cache");
    assertThatThrownBy(() -> options("url_v2", "https://a.test/", "version", "1"))
        .hasMessage("url not set for github actions cache");
    assertThatThrownBy(() -> options("url", "https://a.test/", "version", "two"))
        .hasMessageStartingWith("failed to parse api version \"two\", expected positive integer: ");
    assertThatThrownBy(() -> options("url", "https://a.test/", "timeout", "soon"))
        .hasMessage(
            "failed to parse timeout for github actions cache: time: invalid duration \"soon\"");
  }

  @Test
  void aTokenThatIsNoneOrNotOfThisTimeIsRefusedAndNotShown() {
    for (String wrong :
        new String[] {
          "secret",
          "a.secret.c",
          token("[\"secret\"]"),
          token("{\"secret\":1}"),
          token(1, 2),
          token(2_000_000, 3_000_000)
        }) {
      assertThatThrownBy(() -> GhaToken.parse(wrong, NOW))
          .isInstanceOf(BuildException.class)
          .hasMessageMatching(
              "token is malformed: .*|invalid token (without|with) .*|cache token expired at .*")
          .satisfies(e -> assertThat(e.toString()).doesNotContain("secret", wrong));
    }
  }

  @Test
  void secretsAreNotPrinted() {
    GhaOptions options =
        options("url", "https://a.test/", "repository", "own/er", "ghtoken", "ghs_secret");
    assertThat(options.listing()).contains(new GhaOptions.Listing("own/er", "ghs_secret"));
    assertThat(options.toString()).doesNotContain("ghs_secret", TOKEN);
  }

  @Test
  void theVersionOfEntriesIsTheOneThatOtherClientsUse() {
    assertThat(GhaService.VERSION).isEqualTo(Digest.of("|go-actionscache-1.0").hex());
  }
}
