package dev.kiln.ops.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.Platform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** L-92. */
class EmulatorsTest {
  @TempDir Path folder;
  private Emulators emulators;

  @BeforeEach
  void open() {
    emulators =
        new Emulators(
            () -> List.of(Platform.parse("linux/amd64"), Platform.parse("linux/amd64/v2")),
            "/nowhere::" + folder);
  }

  private Path add(String name, String mode) throws Exception {
    Path file = Files.createFile(folder.resolve(name));
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
  }

  @Test
  void foreignProgramsGetTheEmulatorOfTheirArchitecture() throws Exception {
    assertThat(emulators.of(Platform.parse("linux/arm64"))).isEmpty();
    Path arm64 = add("buildkit-qemu-aarch64", "rwxr-xr-x");
    Path riscv = add("buildkit-qemu-riscv64", "rwxr-xr-x");
    add("buildkit-qemu-s390x", "rw-r--r--");
    assertThat(emulators.of(Platform.parse("linux/arm64"))).contains(arm64);
    assertThat(emulators.of(Platform.parse("linux/riscv64"))).contains(riscv);
    assertThat(emulators.of(Platform.parse("linux/s390x"))).as("not executable").isEmpty();
  }

  @Test
  void whatTheMachineRunsNeedsNone() throws Exception {
    add("buildkit-qemu-x86_64", "rwxr-xr-x");
    add("buildkit-qemu-i386", "rwxr-xr-x");
    for (String own : List.of("linux/amd64", "linux/amd64/v2", "linux/386")) {
      assertThat(emulators.of(Platform.parse(own))).as(own).isEmpty();
    }
  }

  @Test
  void aLevelThatTheProcessorHasNotIsRefused() {
    assertThatThrownBy(() -> emulators.of(Platform.parse("linux/amd64/v4")))
        .hasMessage(
            "no support for running processes with linux/amd64/v4 platform, supported:"
                + " linux/amd64, linux/amd64/v2");
  }
}
