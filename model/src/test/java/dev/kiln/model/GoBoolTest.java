package dev.kiln.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GoBoolTest {
  @ParameterizedTest
  @ValueSource(strings = {"1", "t", "T", "true", "TRUE", "True"})
  void trueValues(String text) {
    assertThat(GoBool.parse(text)).contains(true);
    assertThat(GoBool.isTrue(text)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "f", "F", "false", "FALSE", "False"})
  void falseValues(String text) {
    assertThat(GoBool.parse(text)).contains(false);
    assertThat(GoBool.isTrue(text)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "yes", "tRUE", " true", "2"})
  void otherTexts(String text) {
    assertThat(GoBool.parse(text)).isEmpty();
    assertThat(GoBool.isTrue(text)).isFalse();
  }
}
