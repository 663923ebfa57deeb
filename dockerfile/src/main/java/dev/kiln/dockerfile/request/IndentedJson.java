package dev.kiln.dockerfile.request;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.kiln.model.SourceRange;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** JSON as Go's {@code MarshalIndent} lays it out, and the forms that answers share. Pure. */
final class IndentedJson {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final DefaultIndenter TWO_BLANKS = new DefaultIndenter("  ", "\n");
  private static final ObjectWriter WRITER =
      JSON.writer(
          new DefaultPrettyPrinter()
              .withSeparators(
                  Separators.createDefaultInstance()
                      .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
                      .withArrayEmptySeparator("")
                      .withObjectEmptySeparator(""))
              .withObjectIndenter(TWO_BLANKS)
              .withArrayIndenter(TWO_BLANKS));

  private IndentedJson() {}

  static ObjectNode object() {
    return JSON.createObjectNode();
  }

  static ArrayNode array() {
    return JSON.createArrayNode();
  }

  static byte[] write(com.fasterxml.jackson.databind.JsonNode node) {
    try {
      return WRITER.writeValueAsString(node).getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of texts and numbers can be written", e);
    }
  }

  /** Adds a text, unless it is empty. */
  static void putIfSet(ObjectNode node, String name, String value) {
    if (!value.isEmpty()) {
      node.put(name, value);
    }
  }

  /** Adds {@code location}, unless there are no lines. */
  static void putPlace(ObjectNode node, List<SourceRange> place) {
    if (!place.isEmpty()) {
      node.set("location", place(place));
    }
  }

  /** {@code pb.Location} as Go's JSON shows it: zero fields are left out. */
  static ObjectNode place(List<SourceRange> place) {
    ObjectNode location = object();
    if (!place.isEmpty()) {
      ArrayNode ranges = location.putArray("ranges");
      for (SourceRange range : place) {
        ObjectNode one = ranges.addObject();
        position(one.putObject("start"), range.startLine(), range.startCharacter());
        position(one.putObject("end"), range.endLine(), range.endCharacter());
      }
    }
    return location;
  }

  private static void position(ObjectNode node, int line, int character) {
    if (line != 0) {
      node.put("line", line);
    }
    if (character != 0) {
      node.put("character", character);
    }
  }
}
