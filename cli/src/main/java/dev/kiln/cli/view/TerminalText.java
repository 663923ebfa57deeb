package dev.kiln.cli.view;

/**
 * What strangers wrote, made safe for a terminal: it can neither move the cursor nor change a mode.
 * Works in one pass; what begins like a control sequence and does not end loses its beginning
 * alone. Stateless.
 */
public final class TerminalText {
  private static final char ESCAPE = '\u001b';
  private static final char BELL = '\u0007';
  private static final char CONTROL_SEQUENCE = '\u009b'; // in one character
  private static final String PLAIN = "\u001b[0m";

  private TerminalText() {}

  /** One line without control characters; a tab becomes a blank. */
  public static String line(String text) {
    return cleaned(text, false, false);
  }

  /** The same for several lines. */
  public static String lines(String text) {
    return cleaned(text, false, true);
  }

  /** One line that keeps its colors, and keeps them for itself. */
  public static String colored(String text) {
    String cleaned = cleaned(text, true, false);
    return cleaned.indexOf(ESCAPE) < 0 ? cleaned : cleaned + PLAIN;
  }

  private static String cleaned(String text, boolean colors, boolean newlines) {
    int first = 0;
    while (first < text.length() && !Character.isISOControl(text.charAt(first))) {
      first++;
    }
    if (first == text.length()) {
      return text;
    }
    var cleaned = new StringBuilder(text.length()).append(text, 0, first);
    for (int i = first; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == ESCAPE || c == CONTROL_SEQUENCE) {
        int end = endOfSequence(text, i);
        if (colors && text.charAt(end - 1) == 'm' && end - i > 2) {
          cleaned.append(text, i, end);
        }
        i = end - 1;
      } else if (c == '\t') {
        cleaned.append(' ');
      } else if (!Character.isISOControl(c) || newlines && c == '\n') {
        cleaned.append(c);
      }
    }
    return cleaned.toString();
  }

  /** Where the sequence that begins at {@code start} ends (ECMA-48, 5.4 and 5.6). */
  private static int endOfSequence(String text, int start) {
    int at = start + 1;
    if (text.charAt(start) == ESCAPE) {
      if (at == text.length()) {
        return at;
      }
      char kind = text.charAt(at++);
      if (kind == ']' || kind == 'P' || kind == 'X' || kind == '^' || kind == '_') {
        return endOfString(text, at);
      }
      if (kind != '[') {
        return at;
      }
    }
    int end = at;
    while (end < text.length() && text.charAt(end) >= 0x20 && text.charAt(end) < 0x40) {
      end++;
    }
    boolean ended = end < text.length() && text.charAt(end) >= 0x40 && text.charAt(end) < 0x7f;
    return ended ? end + 1 : at;
  }

  private static int endOfString(String text, int start) {
    for (int i = start; i < text.length(); i++) {
      if (text.charAt(i) == BELL) {
        return i + 1;
      }
      if (text.charAt(i) == ESCAPE) {
        return i + 1 < text.length() && text.charAt(i + 1) == '\\' ? i + 2 : start;
      }
    }
    return start;
  }

  /** How many columns a line without control characters takes. */
  static int columns(String line) {
    return line.codePoints().map(TerminalText::columns).sum();
  }

  /** The beginning of a line that fits into {@code columns}. */
  static String cut(String line, int columns) {
    int used = 0;
    for (int i = 0; i < line.length(); ) {
      int c = line.codePointAt(i);
      used += columns(c);
      if (used > columns) {
        return line.substring(0, i);
      }
      i += Character.charCount(c);
    }
    return line;
  }

  private static int columns(int c) {
    if (c < 0x300) {
      return 1;
    }
    int type = Character.getType(c);
    if (type == Character.NON_SPACING_MARK
        || type == Character.ENCLOSING_MARK
        || type == Character.FORMAT) {
      return 0;
    }
    return isWide(c) ? 2 : 1;
  }

  // The blocks that Unicode's EastAsianWidth has as wide, coarsely.
  private static boolean isWide(int c) {
    return c >= 0x1100 && c <= 0x115f
        || c >= 0x2e80 && c <= 0xa4cf && c != 0x303f
        || c >= 0xac00 && c <= 0xd7a3
        || c >= 0xf900 && c <= 0xfaff
        || c >= 0xfe30 && c <= 0xfe6f
        || c >= 0xff00 && c <= 0xff60
        || c >= 0xffe0 && c <= 0xffe6
        || c >= 0x1f300 && c <= 0x1f64f
        || c >= 0x1f680 && c <= 0x1f6ff
        || c >= 0x1f900 && c <= 0x1f9ff
        || c >= 0x20000 && c <= 0x3fffd;
  }
}
