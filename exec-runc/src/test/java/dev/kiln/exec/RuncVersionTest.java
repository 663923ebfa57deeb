package dev.kiln.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RuncVersionTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path dir;

  @ParameterizedTest
  @CsvSource({
    "runc version 1.0.0-rc93, 4",
    "runc version 1.1.5+ds1, 4",
    "runc version 1.1.11, 4",
    "runc version 1.1.12, 3",
    "runc version 1.1.15, 3",
    "runc version 1.2.0-rc.2, 3",
    "runc version 1.2.7, 3",
    "runc version 1.2.8, 0",
    "runc version 1.2.12+dev, 0",
    "runc version 1.3.0, 3",
    "runc version 1.3.2, 3",
    "runc version 1.3.3, 0",
    "runc version 1.4.0-rc.2, 3",
    "runc version 1.4.0-rc.3, 0",
    "runc version 1.4.0, 0",
    "runc version 1.5.1, 0",
    "runc version 2.0.0, 0",
    "crun version 1.1.5, 0",
    "runc version unknown, 0",
    "something else, 0",
    "'', 0",
  })
  void knowsWhichEscapesAVersionHas(String output, int escapes) {
    RuncVersion version = RuncVersion.parse(output + "\nspec: 1.0.2-dev\n");
    assertThat(version.escapes()).hasSize(escapes);
    assertThat(version.warning().isPresent()).isEqualTo(escapes > 0);
  }

  @Test
  void saysThatADistributionMayHavePatchedIt() {
    String output = "runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev\n";
    assertThat(RuncVersion.parse(output).warning().orElseThrow())
        .contains("runc 1.1.5+ds1 is older than the fixes of CVE-2024-21626, CVE-2025-31133")
        .contains("install runc 1.2.8, 1.3.3 or 1.4.0 or later")
        .contains("packaged as 1.1.5+ds1-1+deb12u1")
        .contains("cannot be seen from here");
    String plain = "runc version 1.1.11\ncommit: v1.1.11-0-g4bccb38c\n";
    assertThat(RuncVersion.parse(plain).warning().orElseThrow()).doesNotContain("packaged");
  }

  @Test
  void whatDoesNotRunIsNamedWithTheWayOut() throws Exception {
    assertThat(RuncVersion.of(program("echo runc version 9.9.9"), PATIENCE).version())
        .isEqualTo("9.9.9");
    assertThatThrownBy(() -> RuncVersion.of(dir.resolve("nowhere"), PATIENCE))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining(dir.resolve("nowhere").toString())
        .hasMessageContaining("--oci-worker-binary");
    assertThatThrownBy(() -> RuncVersion.of(program("echo broken; exit 3"), PATIENCE))
        .hasMessageContaining("exit code 3: broken");
    assertThatThrownBy(() -> RuncVersion.of(program("exec sleep 60"), Duration.ofMillis(200)))
        .hasMessageContaining("has not ended");
  }

  private Path program(String script) throws IOException {
    Path file = Files.writeString(dir.resolve("program"), "#!/bin/sh\n" + script + "\n");
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
