package dev.kiln.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.SourceRange;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Mistakes whose lines are told here and not by BuildKit v0.22, hence without golden files. */
class PlacesTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "COPY --from=7 x y | invalid stage index 7",
        "RUN --mount=from==x,target=/y z | failed to parse stage name \"=x\"",
        "RUN --mount=from=no.such/image,target=/y z | no image no.such/image",
      })
  void theInstructionIsNamed(String instruction, String message) {
    var client =
        new FakeFrontendClient(
            JsonNodeFactory.instance.objectNode(),
            Map.of(
                "local://dockerfile", Map.of("Dockerfile", "FROM scratch\n" + instruction + "\n")));
    BuildException failure =
        catchThrowableOfType(
            BuildException.class, () -> new DockerfileFrontend().solve(client, Map.of(), Map.of()));
    assertThat(failure).hasMessageContaining(message);
    List<SourceRange> places =
        failure.details().stream()
            .filter(Detail.SourceLocation.class::isInstance)
            .flatMap(d -> ((Detail.SourceLocation) d).ranges().stream())
            .toList();
    assertThat(places).containsExactly(SourceRange.lines(2, 2));
  }
}
