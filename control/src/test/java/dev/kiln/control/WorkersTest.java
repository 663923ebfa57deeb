package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.exec.cdi.CdiDevices;
import dev.kiln.grpc.types.BuildkitVersion;
import dev.kiln.model.Platform;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** S-06. */
class WorkersTest {
  @TempDir Path folder;
  private Workers workers;

  @BeforeEach
  void open() throws Exception {
    workers =
        Workers.open(
            new Workers.Description(
                folder,
                List.of(Platform.parse("linux/arm64")),
                Duration.ofSeconds(-1),
                "native",
                "host",
                Map.of("team", "a.b"),
                false,
                "",
                true,
                CdiDevices.NONE,
                List.of(),
                BuildkitVersion.getDefaultInstance()),
            Clock.systemUTC());
  }

  private boolean listed(String... filters) {
    return !workers.list(List.of(filters)).isEmpty();
  }

  @Test
  void filtersChooseByIdAndLabels() {
    assertThat(listed()).isTrue();
    assertThat(listed("id==" + workers.id())).isTrue();
    assertThat(listed("id==other")).isFalse();
    assertThat(listed("id~=^" + workers.id().substring(0, 5))).isTrue();
    assertThat(listed("labels.team==a.b")).isTrue();
    assertThat(listed("labels.team!=a.b")).isFalse();
    assertThat(listed("labels.\"org.mobyproject.buildkit.worker.executor\"==oci")).isTrue();
    assertThat(listed("labels.absent")).isFalse();
    assertThat(listed("id==other", "labels.team")).as("one of several").isTrue();
    assertThat(listed("labels.team,id==other")).as("all parts of one").isFalse();
  }

  @Test
  void configuredPlatformsAreToldAndNotRunnableForThat() {
    assertThat(workers.record().getPlatformsList())
        .singleElement()
        .satisfies(p -> assertThat(p.getArchitecture()).isEqualTo("arm64"));
    assertThat(workers.runnable()).first().isEqualTo(Platform.host());
  }
}
