package dev.kiln.exec;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessSpecTest {
  @Test
  void aVariableReplacesTheOneOfItsName() {
    var process = new ProcessSpec(List.of("a"), List.of("FOO=0", "FOOD=2"), "", "", false);
    assertThat(process.with(List.of("ALL=1", "FOO=1")).env())
        .containsExactly("FOOD=2", "ALL=1", "FOO=1");
  }
}
