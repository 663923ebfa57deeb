package dev.kiln.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What rests on each other in a long chain is refused in words, or works. */
@Timeout(60)
class LongChainsTest {
  private static BuildException failure(String text, Map<String, String> opts) {
    var client =
        new FakeFrontendClient(
            JsonNodeFactory.instance.objectNode(),
            Map.of("local://dockerfile", Map.of("Dockerfile", text)));
    return catchThrowableOfType(
        BuildException.class, () -> new DockerfileFrontend().solve(client, opts, Map.of()));
  }

  @Test
  void aCircleBehindManyStagesIsFound() {
    String stages =
        IntStream.range(0, 20_000)
            .mapToObj(i -> "FROM scratch AS s" + i + "\nCOPY --from=s" + (i + 1) + " / /\n")
            .collect(Collectors.joining());
    BuildException failure =
        failure(stages + "FROM scratch AS s20000\nCOPY --from=s0 / /\n", Map.of());
    assertThat(failure).hasMessageContaining("circular dependency detected on stage");
    assertThat(failure.kind()).isEqualTo(Kind.INVALID);
    assertThat(failure.details()).hasSizeLessThan(200);
  }

  @Test
  void anOutlineOfArgumentsThatRestOnEachOtherIsMade() {
    String arguments =
        IntStream.range(1, 9_000)
            .mapToObj(i -> "ARG A" + i + "=$A" + (i - 1) + "\n")
            .collect(Collectors.joining());
    assertThat(
            failure(
                "ARG A0=a\n" + arguments + "FROM scratch\nARG A8999\nRUN echo $A8999\n",
                Map.of("requestid", "frontend.outline")))
        .isNull();
  }
}
