package dev.kiln.exec;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where a step's cgroup lies; the forms of buildkitd v0.22. */
class CgroupsTest {
  @ParameterizedTest
  @CsvSource({
    "'', /buildkit/id",
    "ci, /ci/buildkit/id",
    "/ci/, /ci/buildkit/id",
    "../../ci, /ci/buildkit/id",
    "machine.slice:kiln:, machine.slice:kiln:id",
    "machine.slice, /machine.slice/buildkit/id",
  })
  void pathOfParent(String parent, String path) {
    assertThat(new Cgroups().pathOf(parent, "id")).isEqualTo(path);
  }
}
