package dev.kiln.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FieldFilterTest {
  private static final Map<List<String>, String> RECORD =
      Map.of(
          List.of("type"),
          "regular",
          List.of("id"),
          "a,b",
          List.of("labels", "x.y"),
          "1",
          List.of("inuse"),
          "true");
  private static final Function<List<String>, Optional<String>> FIELDS =
      path -> Optional.ofNullable(RECORD.get(path));

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      value = {
        "type==regular|true",
        "type==frontend|false",
        "type!=frontend|true",
        "mutable!=x|true",
        "inuse|true",
        "mutable|false",
        "type~=^reg|true",
        "type ~= /lar$/|true",
        "type==regular,inuse==true|true",
        "type==regular,inuse==false|false",
        "id==\"a,b\"|true",
        "labels.\"x.y\"==1|true",
        "' '|true",
      })
  void holds(String filter, boolean expected) {
    assertThat(FieldFilter.parse(filter).matches(FIELDS)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"==x", "type==", "type=x", "id==\"open", "type~=(", "a==1,,b"})
  void badFiltersNameThemselves(String filter) {
    assertThatThrownBy(() -> FieldFilter.parse(filter))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
        .hasMessageContaining("'" + filter + "'");
  }

  @Test
  @Timeout(20)
  void anExpressionTakesTimeLinearInTheValue() {
    String value = "a".repeat(50_000) + "!";
    assertThat(FieldFilter.parse("id~=^(a+)+$").matches(_ -> Optional.of(value))).isFalse();
    assertThat(FieldFilter.parse("id~=(?i)A+!").matches(_ -> Optional.of(value))).isTrue();
  }
}
