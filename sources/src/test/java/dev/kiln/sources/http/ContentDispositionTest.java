package dev.kiln.sources.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ContentDispositionTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "attachment; filename=a.tar|a.tar",
        "attachment; filename=\"a b\"|a b",
        "attachment; filename=\"a\\\"b\"; x=y|a\"b",
        "attachment; filename*=UTF-8''a%20b|a b",
        "attachment; filename*=UTF-8''x; filename=y|y",
        "attachment;filename=|",
        "attachment|"
      })
  void theNameIsFound(String header, String name) {
    assertThat(ContentDisposition.filename(header).filter(n -> !n.isEmpty()))
        .isEqualTo(java.util.Optional.ofNullable(name));
  }

  @Test
  @Timeout(10)
  void aLongNameIsNoDepth() {
    assertThat(ContentDisposition.filename("attachment; filename=\"" + "a".repeat(200_000) + "\""))
        .hasValueSatisfying(name -> assertThat(name).hasSize(200_000));
  }

  @ParameterizedTest
  @Timeout(10)
  @ValueSource(strings = {"a", "\\\"", "; x=y", ";a=\"", " ", ";", "\\"})
  void hostileHeadersTakeNoTime(String piece) {
    ContentDisposition.filename("attachment; filename=\"" + piece.repeat(50_000));
    ContentDisposition.filename("attachment" + piece.repeat(50_000));
    ContentDisposition.filename(piece.repeat(50_000) + "\"x");
  }
}
