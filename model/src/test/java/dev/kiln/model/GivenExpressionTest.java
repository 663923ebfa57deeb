package dev.kiln.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.re2j.PatternSyntaxException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(20)
class GivenExpressionTest {
  static List<String> hostile() {
    return List.of(
        "((x{1000}){1000}){1000}",
        "(((x{999}y){2,999}z){999})",
        "(?:(?:(?:x{0,50}){0,50}){0,50}){0,50}",
        "(".repeat(100_000) + ")".repeat(100_000),
        "(".repeat(1_001) + ")".repeat(1_001),
        "(?:".repeat(5_000),
        "x".repeat(100_001),
        "x{1000}".repeat(1_000),
        "()|".repeat(1_001),
        "(x{200})".repeat(900));
  }

  @ParameterizedTest
  @MethodSource("hostile")
  void expressionsThatAreDeepOrLargeAreRefused(String text) {
    assertThatThrownBy(() -> GivenExpression.compile(text))
        .isInstanceOf(PatternSyntaxException.class)
        .hasMessageContaining("more than")
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(300));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "^docker-image://docker\\.io/library/(alpine|busybox):3\\.[0-9]{1,3}@sha256:[a-f0-9]{64}$",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T([0-9]{2}:){2}[0-9]{2}",
        "^([a-z0-9-]{1,63}\\.){1,10}[a-z]{2,63}$",
        "a{b}"
      })
  void expressionsThatPeopleWriteAreTaken(String text) {
    assertThat(GivenExpression.compile(text).matcher("x").find()).isFalse();
  }

  /** As lists of names that somebody has generated. */
  @Test
  void longListsAndEscapedParenthesesAreTaken() {
    String names =
        IntStream.range(0, 1_000)
            .mapToObj(i -> "docker\\.io/library/image-" + i + ":latest")
            .collect(Collectors.joining("|", "^(", ")$"));
    assertThat(GivenExpression.compile(names).matcher("docker.io/library/image-7:latest").find())
        .isTrue();
    assertThat(GivenExpression.compile("\\(".repeat(3_000)).matcher("(").find()).isFalse();
  }

  @Test
  void aMatchThatCouldTakeLongIsRefused() {
    GivenExpression expression = GivenExpression.compile("(?:a*){100}$");
    assertThat(expression.matcher("a".repeat(1_000)).find()).isTrue();
    assertThatThrownBy(() -> expression.matcher("a".repeat(1_000_000)))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("steps is not matched against a text of 1000000 characters");
    assertThat(GivenExpression.compile("a+b").matcher("a".repeat(1_000_000)).find()).isFalse();
  }
}
