package dev.kiln.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The right-hand sides were printed by Go's encoding/json. */
class GoJsonTest {
  @Test
  void textsAreEscapedAsGoDoes() {
    assertThat(GoJson.quote("a<b>&\"\\\u0001\b\f\n\r\t\u007f\u2028é\ud83d\ude00"))
        .isEqualTo(
            "\"a\\u003cb\\u003e\\u0026\\\"\\\\\\u0001\\b\\f\\n\\r\\t\u007f\\u2028é\ud83d\ude00\"");
  }

  @Test
  void emptyFieldsAreLeftOut() {
    String json =
        GoJson.object()
            .textIfSet("a", "")
            .numberIfSet("b", 0)
            .boolIfSet("c", false)
            .bytesIfSet("d", new byte[0])
            .textsIfSet("e", List.of())
            .mapIfSet("f", Map.of())
            .objectIfSet("g", Optional.empty())
            .objectsIfSet("h", List.of())
            .toString();
    assertThat(json).isEqualTo("{}");
  }

  @Test
  void setFieldsKeepTheirOrderAndMapsAreSorted() {
    String json =
        GoJson.object()
            .text("Type", "x")
            .numberIfSet("n", -1)
            .boolIfSet("b", true)
            .bytesIfSet("d", "hello".getBytes(StandardCharsets.UTF_8))
            .textsIfSet("l", List.of("q", "r"))
            .mapIfSet("m", Map.of("b", "2", "a", "1", "Z", "3"))
            .objectIfSet("o", Optional.of(GoJson.object()))
            .objectsIfSet("p", List.of(GoJson.object().number("i", 0)))
            .toString();
    assertThat(json)
        .isEqualTo(
            "{\"Type\":\"x\",\"n\":-1,\"b\":true,\"d\":\"aGVsbG8=\",\"l\":[\"q\",\"r\"],"
                + "\"m\":{\"Z\":\"3\",\"a\":\"1\",\"b\":\"2\"},\"o\":{},\"p\":[{\"i\":0}]}");
  }

  @Test
  void rawTextIsCompactedButNotReencoded() {
    assertThat(GoJson.compact(" { \"a\" : [ 1.0 , \"x <\\u00e9\\\" y\" ] }\n"))
        .isEqualTo("{\"a\":[1.0,\"x \\u003c\\u00e9\\\" y\"]}");
  }

  @Test
  void indentingKeepsEmptyValuesOnTheirLine() {
    assertThat(GoJson.indent("{\"a\":[],\"b\":{\"c\":\"d:{\\\"\"},\"e\":[1,2]}"))
        .isEqualTo(
            """
            {
              "a": [],
              "b": {
                "c": "d:{\\""
              },
              "e": [
                1,
                2
              ]
            }\
            """);
  }
}
