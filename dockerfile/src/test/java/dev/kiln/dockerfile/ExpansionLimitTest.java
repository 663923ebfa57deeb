package dev.kiln.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Kind;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A small file cannot stand for more text than there is memory. */
@Timeout(60)
class ExpansionLimitTest {
  private static final String TOO_MUCH = "variables stand for more than 16777216 characters";

  private static BuildException failure(String text) {
    var client =
        new FakeFrontendClient(
            JsonNodeFactory.instance.objectNode(),
            Map.of("local://dockerfile", Map.of("Dockerfile", text)));
    return catchThrowableOfType(
        BuildException.class, () -> new DockerfileFrontend().solve(client, Map.of(), Map.of()));
  }

  private static List<Integer> lines(BuildException failure) {
    return failure.details().stream()
        .filter(Detail.SourceLocation.class::isInstance)
        .flatMap(d -> ((Detail.SourceLocation) d).ranges().stream())
        .map(range -> range.startLine())
        .toList();
  }

  private static String doubling(String instruction) {
    return IntStream.range(1, 60)
        .mapToObj(i -> instruction.replace("NEW", "A" + i).replace("OLD", "A" + (i - 1)) + "\n")
        .collect(Collectors.joining());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ARG NEW=$OLD$OLD",
        "ARG NEW=${OLD}${OLD}",
        "ARG NEW=${x:-$OLD$OLD}",
        "ARG NEW=${OLD//a/aa}",
        "ARG NEW=${OLD//a/$OLD}"
      })
  void doublingArgumentsOfTheHeadAreRefusedAtTheirLine(String form) {
    BuildException failure = failure("ARG A0=aaaaaaaaaa\n" + doubling(form) + "FROM scratch\n");
    assertThat(failure).hasMessageContaining(TOO_MUCH);
    assertThat(failure.kind()).isEqualTo(Kind.INVALID);
    assertThat(lines(failure)).singleElement().satisfies(line -> assertThat(line).isBetween(3, 30));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ENV NEW=$OLD$OLD", "ARG NEW=\"$OLD$OLD\"", "ENV NEW=${OLD/a/$OLD}$OLD"})
  void doublingVariablesOfAStageAreRefusedAtTheirLine(String form) {
    BuildException failure = failure("FROM scratch\nENV A0=aaaaaaaaaa\n" + doubling(form));
    assertThat(failure).hasMessageContaining(TOO_MUCH);
    assertThat(lines(failure)).singleElement().satisfies(line -> assertThat(line).isBetween(3, 30));
  }

  @Test
  void manyLinesOfOneLongVariableAreRefusedToo() {
    String text =
        "FROM scratch\nENV A=" + "a".repeat(100_000) + "\n" + "LABEL $A=$A\n".repeat(10_000);
    assertThat(failure(text)).hasMessageContaining(TOO_MUCH);
  }

  @Test
  void manyCommandsWithLongVariablesAreRefusedBeforeTheyAreWritten() {
    String text =
        "FROM scratch\nENV A=" + "a".repeat(1_000_000) + "\n" + "RUN [\"x\"]\n".repeat(5_000);
    assertThat(failure(text)).hasMessageContaining("the build's definition is larger than 256 MiB");
  }

  @Test
  void manyVariablesAreRefusedAtTheirLine() {
    String text =
        IntStream.range(0, 20_000)
            .mapToObj(i -> "ENV a" + i + "=b\n")
            .collect(Collectors.joining("", "FROM scratch\n", ""));
    BuildException failure = failure(text);
    assertThat(failure).hasMessageContaining("more than 10000 variables are set");
    assertThat(lines(failure)).singleElement().satisfies(line -> assertThat(line).isPositive());
  }

  @Test
  void aLongHistoryIsRefusedBeforeItFillsTheMemory() {
    String text =
        "FROM scratch\nARG A=" + "a".repeat(1_000_000) + "\n" + "RUN [\"x\"]\n".repeat(5_000);
    assertThat(failure(text)).hasMessageContaining("the history of images has more than 67108864");
  }
}
