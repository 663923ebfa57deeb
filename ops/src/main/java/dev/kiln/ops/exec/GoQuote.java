package dev.kiln.ops.exec;

/**
 * Text in Go's double quotes, as error messages show commands that clients match. Pure. Source: Go
 * 1.24 {@code strconv/quote.go}.
 */
final class GoQuote {
  private GoQuote() {}

  static String quote(String text) {
    var out = new StringBuilder("\"");
    text.codePoints().forEach(c -> append(out, c));
    return out.append('"').toString();
  }

  private static void append(StringBuilder out, int c) {
    switch (c) {
      case '"' -> out.append("\\\"");
      case '\\' -> out.append("\\\\");
      case 7 -> out.append("\\a");
      case '\b' -> out.append("\\b");
      case '\f' -> out.append("\\f");
      case '\n' -> out.append("\\n");
      case '\r' -> out.append("\\r");
      case '\t' -> out.append("\\t");
      case 11 -> out.append("\\v");
      default -> {
        if (c < ' ' || c == 0x7f) {
          out.append(String.format("\\x%02x", c));
        } else if (isPrintable(c)) {
          out.appendCodePoint(c);
        } else {
          out.append(c < 0x10000 ? String.format("\\u%04x", c) : String.format("\\U%08x", c));
        }
      }
    }
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.PRIVATE_USE,
          Character.SURROGATE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }
}
