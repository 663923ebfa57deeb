package dev.kiln.ops.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** L-102. */
class ModeEditTest {
  /** Lines of {@code edit mode f|d result}, printed by the Go package that BuildKit v0.22 uses. */
  @Test
  void editsAsTheReferenceDoes() throws IOException {
    try (var lines =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(ModeEditTest.class.getResourceAsStream("modes.txt")),
                StandardCharsets.UTF_8))) {
      var all = lines.lines().toList();
      assertThat(all).hasSizeGreaterThan(300);
      String wrong =
          all.stream()
              .filter(line -> {
                String[] f = line.split(" ");
                int before = Integer.parseInt(f[1], 8);
                int after = Integer.parseInt(f[3], 8);
                return ModeEdit.parse(f[0]).apply(before, f[2].equals("d")) != after;
              })
              .collect(Collectors.joining("\n"));
      assertThat(wrong).isEmpty();
    }
  }

  @Test
  void aModeOfMoreThanAThousandCharactersIsRefused() {
    assertThat(ModeEdit.parse("u+r,".repeat(249) + "u+rx").apply(0, false)).isEqualTo(0500);
    assertThatThrownBy(() -> ModeEdit.parse("u+r,".repeat(1_000_000) + "u+r"))
        .isInstanceOf(BuildException.class)
        .hasMessage("invalid mode \"u+r,u+r,u+r,u+r,u+r,…\": it has more than 1000 characters");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "u", "8", "u*r", "17777", "u=r,", "u+rz", "x"})
  void whatIsNoModeIsRefused(String text) {
    assertThatThrownBy(() -> ModeEdit.parse(text))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("invalid syntax");
  }
}
