package dev.kiln.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class BuildExceptionTest {
  @Test
  void aPathThatNoFileCanHaveIsTheCallersFault() {
    BuildException told = BuildException.of(catchThrowable(() -> Path.of("/a\0b")));
    assertThat(told.kind()).isEqualTo(Kind.INVALID);
    assertThat(told.getMessage()).contains("Nul character").endsWith("/a\\0b");
  }
}
