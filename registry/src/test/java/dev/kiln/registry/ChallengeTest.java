package dev.kiln.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 9110, 11.6.1: a header line holds one challenge or several. */
class ChallengeTest {
  private static final Challenge BEARER =
      new Challenge(Challenge.Scheme.BEARER, Map.of("realm", "https://h/t", "service", "a, b=c"));
  private static final Challenge BASIC =
      new Challenge(Challenge.Scheme.BASIC, Map.of("realm", "r"));

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Basic realm=\"r\", Bearer realm=\"https://h/t\",service=\"a, b=c\"",
        "Bearer realm=\"https://h/t\" , service = \"a, b=c\",, basic realm=r",
        "Negotiate, Basic realm=r, Bearer realm=\"https://h/t\", service=\"a, b=c\"",
        "Negotiate dG9rZW4=, Bearer realm=\"https://h/t\", service=\"a, b=c\", Basic realm=r",
        "Newauth realm=\"x\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=r, "
            + "Bearer realm=\"https://h/t\", service=\"a, b=c\"",
      })
  void allChallengesOfALineAreRead(String line) {
    assertThat(Challenge.parse(List.of(line))).containsExactly(BEARER, BASIC);
  }

  @Test
  void aSchemeAloneIsAChallenge() {
    var bare = new Challenge(Challenge.Scheme.BASIC, Map.of());
    assertThat(Challenge.parse(List.of("Basic", "basic , Negotiate"))).containsExactly(bare, bare);
  }

  @Test
  void linesOfSeveralHeadersAreReadInOrder() {
    assertThat(
            Challenge.parse(
                List.of("Basic realm=r", "Bearer realm=\"https://h/t\",service=\"a, b=c\"")))
        .containsExactly(BEARER, BASIC);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", ",,", "\"", "=", "@", "\"Basic realm=r\""})
  void whatIsNoneIsLeftOut(String line) {
    assertThat(Challenge.parse(List.of(line))).isEmpty();
  }
}
