package dev.kiln.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(20)
class JsonTest {
  static Stream<Arguments> hostile() {
    return Stream.of(
        Arguments.of("deep arrays", "[".repeat(1_000_000)),
        Arguments.of("deep arrays that end", "[".repeat(100_000) + "]".repeat(100_000)),
        Arguments.of("deep objects", "{\"a\":".repeat(1_000_000)),
        Arguments.of("a number of a million digits", "9".repeat(1_000_000)),
        Arguments.of("a fraction of a million digits", "0." + "9".repeat(1_000_000)),
        Arguments.of("a sign alone", "-"),
        Arguments.of("no number", "NaN"),
        Arguments.of("an exponent without digits", "1e"),
        Arguments.of("a text that does not end", "\"" + "a".repeat(1_000_000)),
        Arguments.of("an escape that does not end", "\"\\u12"),
        Arguments.of("an object that does not end", "{\"a\":1"),
        Arguments.of("a key without a value", "{\"a\"}"),
        Arguments.of("a comma too many", "[1,]"),
        Arguments.of("more after the value", "{} {}"),
        Arguments.of("a page", "<html></html>"),
        Arguments.of("a NUL byte", "\0"),
        Arguments.of("a mark of the encoding", "\ufeff{}"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void hostile(String name, String text) {
    byte[] json = text.getBytes(StandardCharsets.UTF_8);
    assertThat(Json.find(json)).isEmpty();
    assertThatThrownBy(() -> Json.parseExactly(json)).isInstanceOf(Json.Malformed.class);
    assertThatThrownBy(() -> Json.read(Kind.INVALID, "failed to parse the thing", json))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
        .hasMessageStartingWith("failed to parse the thing: ")
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(1_000));
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32"})
  void anotherEncodingIsNoJson(String name) {
    assertThat(Json.find("{\"a\":\"b\"}".getBytes(Charset.forName(name)))).isEmpty();
  }

  @Test
  void bytesOfNoEncodingStandForOneCharacterAsInGo() {
    byte[] json = {'"', 'a', (byte) 0xff, (byte) 0xc3, '"'};
    assertThat(Json.read(Kind.INVALID, "it", json).asText()).isEqualTo("a\ufffd\ufffd");
  }

  @Test
  void halvesOfSurrogatesAreRead() throws Exception {
    assertThat(Json.parse("\"\\ud800\"").asText()).hasSize(1);
    assertThat(Json.parse("\"\\udc00\\ud800\"").asText()).hasSize(2);
  }

  @Test
  void ofAKeyThatComesTwiceTheLastCounts() throws Exception {
    assertThat(Json.parse("{\"a\":1,\"a\":2}").path("a").asInt()).isEqualTo(2);
  }

  @Test
  void hugeNumbersAreAtTheirBounds() throws Exception {
    assertThat(Json.parse("9".repeat(1_000)).isNumber()).isTrue();
    assertThat(Json.parse("1e999999999").asLong()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void whatIsEmptyIsMissing() throws Exception {
    assertThat(Json.parse("").isMissingNode()).isTrue();
    assertThat(Json.parse(" \n").isMissingNode()).isTrue();
    assertThat(Json.parse("null").isNull()).isTrue();
  }

  @Test
  void theDigitsOfAFractionStay() throws Exception {
    String text = "0.10000000000000000000000000000000000001";
    assertThat(Json.parseExactly(text.getBytes(StandardCharsets.UTF_8)).toString()).isEqualTo(text);
  }

  @Test
  void thePlaceIsTold() {
    assertThatThrownBy(() -> Json.parse("{\n  x}"))
        .isInstanceOfSatisfying(
            Json.Malformed.class,
            e -> {
              assertThat(e.line()).isEqualTo(2);
              assertThat(e.column()).isPositive();
            });
  }
}
