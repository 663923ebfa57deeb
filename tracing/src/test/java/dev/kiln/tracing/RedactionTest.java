package dev.kiln.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedactionTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "fatal: 'https://user:pw@host/x' and ssh://git@h/y, https://h/z"
            + " | fatal: 'https://xxxxx:xxxxx@host/x' and ssh://xxxxx@h/y, https://h/z",
        "https://a:b@h/p@q | https://xxxxx:xxxxx@h/p@q",
        "https://a@h/p | https://xxxxx@h/p",
        "git@github.com:a/b | git@github.com:a/b",
        "https://h/p?x=@ | https://h/p?x=@",
        "https://u:p@ss@host/x | https://xxxxx:xxxxx@host/x",
        "https://u:p'w@host/x | https://xxxxx:xxxxx@host/x",
        "https://:pw@host/x | https://:xxxxx@host/x",
        "https://host/x?sig=S | https://host/x?sig=S",
        "u:p@host/x | u:p@host/x",
        "docker-image://a:3@sha256:ab | docker-image://a:3@sha256:ab",
      })
  void usersOfUrlsAreMasked(String text, String masked) {
    assertThat(Redaction.of(text)).isEqualTo(masked);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[2/3] ADD http://usr:PW@host/x?sig=S /d | [2/3] ADD http://xxxxx:xxxxx@host/x?sig=xxxxx /d",
        "https://TOKEN@host/x.git#main:sub | https://xxxxx@host/x.git#main:sub",
        "https://h/x.git?ref=main&token=T#f | https://h/x.git?ref=main&token=xxxxx#f",
        "https://h/x?a=1&b=c/d?e&T== | https://h/x?a=xxxxx&b=xxxxx&xxxxx",
        "https://h/x?TOKEN | https://h/x?xxxxx",
        "'https://h/x?s=a+b%2F=': no | 'https://h/x?s=xxxxx': no",
        "{\"u\":\"https://h/x?s=S\"} | {\"u\":\"https://h/x?s=xxxxx\"}",
        "h/x?sig=S a?b | h/x?sig=xxxxx a?b",
        "invalid: 'usr:pw@host/x' (no) | invalid: 'xxxxx:xxxxx@host/x' (no)",
        "usr:pw@host | xxxxx:xxxxx@host",
        "TOKEN@host:5000/x | xxxxx@host:5000/x",
        "name=h/x,usr:pw@host/y | name=h/x,xxxxx:xxxxx@host/y",
        "usr:pw@host/x@sha256:ab | xxxxx:xxxxx@host/x@sha256:ab",
        "alpine:3@sha256:ab and h:1/a@sha256:ab | alpine:3@sha256:ab and h:1/a@sha256:ab",
        "git@host:a/b me@host npm i @a/b@1 | git@host:a/b me@host npm i @a/b@1",
        "RUN echo what? | RUN echo what?",
      })
  void whatOperatorsReadHoldsNoCredentials(String text, String masked) {
    assertThat(Redaction.forOperators(text)).isEqualTo(masked);
    assertThat(Redaction.forOperators(masked)).as("again").isEqualTo(masked);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"a://", "a://@", "'", "u:", "@", "?", "&a", "a://h?", "a://u:p@h/?s=S ", "sha1:"})
  void hostileTextTakesLinearTime(String part) {
    String text = part.repeat(500_000 / part.length());
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20), () -> Redaction.forOperators("u:@?" + text + "@?"));
  }
}
