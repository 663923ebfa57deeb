package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.model.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostPlatformsTest {
  private static final Clock CLOCK = Clock.fixed(Instant.EPOCH, ZoneOffset.UTC);
  private static final String LEVEL_2 = "flags : cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3";

  @TempDir Path proc;

  private List<String> platforms(Duration maxAge) {
    return new HostPlatforms(proc, maxAge, CLOCK).current().stream().map(Platform::format).toList();
  }

  private void emulate(String name, String state) throws IOException {
    Path folder = Files.createDirectories(proc.resolve("sys/fs/binfmt_misc"));
    Files.writeString(folder.resolve("qemu-" + name), state + "\ninterpreter /x\n");
  }

  @Test
  void theMachinesOwnPlatformIsFirst() {
    assertThat(platforms(Duration.ZERO).getFirst()).isEqualTo(Platform.host().format());
  }

  @Test
  void featureLevelsNeedAllTheirFlags() throws IOException {
    org.junit.jupiter.api.Assumptions.assumeTrue(Platform.host().architecture().equals("amd64"));
    Files.writeString(proc.resolve("cpuinfo"), LEVEL_2 + " avx avx2\n");
    assertThat(platforms(Duration.ZERO))
        .containsExactly("linux/amd64", "linux/amd64/v2", "linux/386");
  }

  @Test
  void emulatedPlatformsNeedAnEnabledHandler() throws IOException {
    emulate("riscv64", "enabled");
    emulate("s390x", "disabled");
    assertThat(platforms(Duration.ZERO)).contains("linux/riscv64").doesNotContain("linux/s390x");
  }

  @Test
  void aNegativeAgeProbesOnce() throws IOException {
    var host = new HostPlatforms(proc, Duration.ofSeconds(-1), CLOCK);
    List<Platform> first = host.current();
    emulate("riscv64", "enabled");
    assertThat(host.current()).isEqualTo(first);
  }
}
