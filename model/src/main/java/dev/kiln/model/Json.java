package dev.kiln.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Reads JSON from memory that somebody else has written, in one way for all: it is UTF-8 without a
 * mark, and bytes that are not stand for U+FFFD; nothing follows the value; of a key that comes
 * twice the last counts; what is empty is a missing node. So does Go's {@code encoding/json} (but
 * for the last). At most 1,000 values are within each other, a number has at most 1,000 characters
 * and a text 20 million (Jackson 2.21, {@code StreamReadConstraints}). Any thread.
 */
public final class Json {
  private static final ObjectMapper READER =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private static final ObjectMapper FIRST = new ObjectMapper();
  private static final ObjectMapper EXACT =
      READER.copy().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

  private Json() {}

  /**
   * Why a text is no JSON. The message may show a piece of the text: where that can be a secret, it
   * is not for showing.
   */
  public static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;
    private final int line;
    private final int column;

    private Malformed(JsonProcessingException e) {
      super(e.getOriginalMessage(), e);
      line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
      column = e.getLocation() == null ? 0 : e.getLocation().getColumnNr();
    }

    /** From 1; 0 where it is unknown. */
    public int line() {
      return line;
    }

    /** From 1; 0 where it is unknown. */
    public int column() {
      return column;
    }
  }

  public static JsonNode parse(byte[] json) throws Malformed {
    return parse(text(json));
  }

  public static JsonNode parse(String json) throws Malformed {
    return parse(READER, json);
  }

  /** The first value of a text, whatever follows it: as Go's {@code json.Decoder} reads. */
  public static JsonNode parseFirst(byte[] json) throws Malformed {
    return parse(FIRST, text(json));
  }

  /** As {@link #parse}, with all digits of fractions, for what is written again. */
  public static JsonNode parseExactly(byte[] json) throws Malformed {
    return parse(EXACT, text(json));
  }

  /**
   * Reads what has to be JSON and holds no secret.
   *
   * @param failure the beginning of the error's message, which names what is read
   * @throws BuildException {@code kind} and why it is none
   */
  public static JsonNode read(Kind kind, String failure, byte[] json) {
    try {
      return parse(json);
    } catch (Malformed e) {
      throw new BuildException(kind, failure + ": " + e.getMessage(), e);
    }
  }

  /** Empty for what is no JSON. */
  public static Optional<JsonNode> find(byte[] json) {
    return find(text(json));
  }

  /** Empty for what is no JSON. */
  public static Optional<JsonNode> find(String json) {
    try {
      return Optional.of(parse(json));
    } catch (Malformed e) {
      return Optional.empty();
    }
  }

  private static JsonNode parse(ObjectMapper by, String json) throws Malformed {
    try {
      return by.readTree(json);
    } catch (JsonProcessingException e) {
      throw new Malformed(e);
    }
  }

  private static String text(byte[] json) {
    return new String(json, StandardCharsets.UTF_8);
  }
}
