package dev.kiln.model;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Builds a JSON object byte for byte as Go's {@code encoding/json} marshals a struct: fields in the
 * order given, no white space, HTML characters escaped, byte slices in base64, maps sorted by the
 * bytes of their keys. Cache keys and image manifests are digests of such texts, so one byte of
 * difference is another key. Methods ending in {@code IfSet} are fields tagged {@code omitempty}.
 * Confined to one thread. Source: Go 1.24, {@code encoding/json/encode.go}.
 */
public final class GoJson {
  private static final char[] HEX = "0123456789abcdef".toCharArray();
  private final StringBuilder out = new StringBuilder("{");

  private GoJson() {}

  public static GoJson object() {
    return new GoJson();
  }

  /** Adds a field whose value is JSON already. */
  public GoJson raw(String name, String json) {
    if (out.length() > 1) {
      out.append(',');
    }
    quoteInto(out, name);
    out.append(':').append(json);
    return this;
  }

  public GoJson text(String name, String value) {
    return raw(name, quote(value));
  }

  public GoJson textIfSet(String name, String value) {
    return value.isEmpty() ? this : text(name, value);
  }

  public GoJson number(String name, long value) {
    return raw(name, Long.toString(value));
  }

  public GoJson numberIfSet(String name, long value) {
    return value == 0 ? this : number(name, value);
  }

  public GoJson boolIfSet(String name, boolean value) {
    return value ? raw(name, "true") : this;
  }

  public GoJson bytesIfSet(String name, byte[] value) {
    return value.length == 0 ? this : raw(name, base64(value));
  }

  public GoJson textsIfSet(String name, List<String> values) {
    return values.isEmpty() ? this : raw(name, texts(values));
  }

  public GoJson mapIfSet(String name, Map<String, String> values) {
    return values.isEmpty() ? this : raw(name, map(values));
  }

  public GoJson objectIfSet(String name, Optional<GoJson> value) {
    return value.map(v -> raw(name, v.toString())).orElse(this);
  }

  public GoJson objectsIfSet(String name, List<GoJson> values) {
    return values.isEmpty()
        ? this
        : raw(name, array(values.stream().map(GoJson::toString).toList()));
  }

  /** The object so far, closed. */
  @Override
  public String toString() {
    return out + "}";
  }

  /** The object so far, closed, in UTF-8. */
  public byte[] toBytes() {
    return toString().getBytes(StandardCharsets.UTF_8);
  }

  /** A slice of values that are JSON already. */
  public static String array(List<String> values) {
    return "[" + String.join(",", values) + "]";
  }

  public static String texts(List<String> values) {
    return array(values.stream().map(GoJson::quote).toList());
  }

  public static String base64(byte[] value) {
    return "\"" + Base64.getEncoder().encodeToString(value) + "\"";
  }

  public static String map(Map<String, String> values) {
    return rawMap(
        values.entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, e -> quote(e.getValue()))));
  }

  /** A map whose values are JSON already. */
  public static String rawMap(Map<String, String> values) {
    var keys = new ArrayList<>(values.keySet());
    keys.sort((a, b) ->
        Arrays.compareUnsigned(
            a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8)));
    var object = object();
    for (String key : keys) {
      object.raw(key, java.util.Objects.requireNonNull(values.get(key)));
    }
    return object.toString();
  }

  public static String quote(String value) {
    var text = new StringBuilder(value.length() + 2);
    quoteInto(text, value);
    return text.toString();
  }

  private static void quoteInto(StringBuilder to, String value) {
    to.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '"' -> to.append("\\\"");
        case '\\' -> to.append("\\\\");
        case '\b' -> to.append("\\b");
        case '\f' -> to.append("\\f");
        case '\n' -> to.append("\\n");
        case '\r' -> to.append("\\r");
        case '\t' -> to.append("\\t");
        default -> {
          if (c < ' ' || isEscapedInMarkup(c)) {
            unicodeInto(to, c);
          } else {
            to.append(c);
          }
        }
      }
    }
    to.append('"');
  }

  private static boolean isEscapedInMarkup(char c) {
    return c == '<' || c == '>' || c == '&' || c == '\u2028' || c == '\u2029';
  }

  private static void unicodeInto(StringBuilder to, char c) {
    to.append("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) {
      to.append(HEX[c >> shift & 0xf]);
    }
  }

  /**
   * Valid JSON without its white space and with markup escaped inside strings, nothing else
   * changed: what Go makes of a {@code json.RawMessage}.
   */
  public static String compact(String json) {
    var text = new StringBuilder(json.length());
    boolean quoted = false;
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      if (quoted) {
        if (isEscapedInMarkup(c)) {
          unicodeInto(text, c);
          continue;
        }
        text.append(c);
        if (c == '\\' && i + 1 < json.length()) {
          text.append(json.charAt(++i));
        } else if (c == '"') {
          quoted = false;
        }
      } else if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
        text.append(c);
        quoted = c == '"';
      }
    }
    return text.toString();
  }

  /** Compact JSON over several lines, two spaces a level: {@code json.MarshalIndent}. */
  public static String indent(String compact) {
    var text = new StringBuilder(compact.length() * 2);
    int depth = 0;
    boolean quoted = false;
    for (int i = 0; i < compact.length(); i++) {
      char c = compact.charAt(i);
      if (quoted) {
        text.append(c);
        if (c == '\\') {
          text.append(compact.charAt(++i));
        } else if (c == '"') {
          quoted = false;
        }
        continue;
      }
      switch (c) {
        case '{', '[' -> {
          text.append(c);
          char next = compact.charAt(i + 1);
          if (next == '}' || next == ']') {
            text.append(next);
            i++;
          } else {
            newLine(text, ++depth);
          }
        }
        case '}', ']' -> {
          newLine(text, --depth);
          text.append(c);
        }
        case ',' -> {
          text.append(c);
          newLine(text, depth);
        }
        case ':' -> text.append(": ");
        default -> {
          text.append(c);
          quoted = c == '"';
        }
      }
    }
    return text.toString();
  }

  private static void newLine(StringBuilder text, int depth) {
    text.append('\n').append("  ".repeat(depth));
  }
}
