package dev.kiln.dockerfile.text;

import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Text as Go's {@code fmt}, {@code strconv} and {@code time} write it: it appears in image history,
 * in messages that clients match, and in flags. Pure.
 */
public final class GoText {
  private static final Map<String, Long> UNITS =
      Map.of(
          "ns", 1L,
          "us", 1_000L,
          "\u00b5s", 1_000L,
          "\u03bcs", 1_000L,
          "ms", 1_000_000L,
          "s", 1_000_000_000L,
          "m", 60_000_000_000L,
          "h", 3_600_000_000_000L);

  /** Of one number of a duration: longer ones take a time that grows with the square. */
  private static final int MOST_DIGITS = 1_000;

  private GoText() {}

  /** What Go's {@code unicode.IsSpace} accepts. */
  public static boolean isSpace(int codePoint) {
    return switch (codePoint) {
      case '\t', '\n', 0x0b, '\f', '\r', ' ', 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f -> true;
      case 0x205f, 0x3000 -> true;
      default -> codePoint >= 0x2000 && codePoint <= 0x200a;
    };
  }

  /** Without Unicode white space at both ends. */
  public static String trim(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) {
      end--;
    }
    int start = 0;
    while (start < end && isSpace(text.charAt(start))) {
      start++;
    }
    return text.substring(start, end);
  }

  /** Without Unicode white space at the start. */
  public static String trimLeft(String text) {
    int start = 0;
    while (start < text.length() && isSpace(text.charAt(start))) {
      start++;
    }
    return text.substring(start);
  }

  /** A double-quoted literal, as {@code %q} writes it. */
  public static String quote(String text) {
    var out = new StringBuilder(text.length() + 2).append('"');
    text.codePoints().forEach(c -> appendQuoted(out, c, '"'));
    return out.append('"').toString();
  }

  /** {@code ["a" "b"]}, as {@code %q} writes a list. */
  public static String quoteList(Collection<String> items) {
    return items.stream().map(GoText::quote).collect(Collectors.joining(" ", "[", "]"));
  }

  /** {@code [a b]}, as {@code %v} writes a list. */
  public static String list(Collection<String> items) {
    return "[" + String.join(" ", items) + "]";
  }

  /** A number as the character of that code in single quotes, as {@code %q} writes an integer. */
  public static String quoteRune(int codePoint) {
    var out = new StringBuilder().append('\'');
    int shown =
        Character.isValidCodePoint(codePoint)
                && !(codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE)
            ? codePoint
            : 0xfffd;
    appendQuoted(out, shown, '\'');
    return out.append('\'').toString();
  }

  private static void appendQuoted(StringBuilder out, int c, char quote) {
    if (c == quote || c == '\\') {
      out.append('\\').appendCodePoint(c);
      return;
    }
    switch (c) {
      case 7 -> out.append("\\a");
      case '\b' -> out.append("\\b");
      case '\f' -> out.append("\\f");
      case '\n' -> out.append("\\n");
      case '\r' -> out.append("\\r");
      case '\t' -> out.append("\\t");
      case 0x0b -> out.append("\\v");
      default -> {
        if (isPrintable(c)) {
          out.appendCodePoint(c);
        } else if (c < ' ' || c == 0x7f) {
          out.append(String.format(Locale.ROOT, "\\x%02x", c));
        } else if (c < 0x10000) {
          out.append(String.format(Locale.ROOT, "\\u%04x", c));
        } else {
          out.append(String.format(Locale.ROOT, "\\U%08x", c));
        }
      }
    }
  }

  private static boolean isPrintable(int c) {
    if (c == ' ') {
      return true;
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SPACE_SEPARATOR ->
          false;
      default -> true;
    };
  }

  /**
   * Reads a duration such as {@code 1h30m} or {@code 1.5s}.
   *
   * @throws BuildException {@code INVALID}, in the words of Go's {@code time} package
   */
  public static Duration parseDuration(String text) {
    String rest = text;
    boolean negative = rest.startsWith("-");
    if (negative || rest.startsWith("+")) {
      rest = rest.substring(1);
    }
    if (rest.equals("0")) {
      return Duration.ZERO;
    }
    if (rest.isEmpty()) {
      throw invalid("time: invalid duration " + quote(text));
    }
    BigDecimal nanos = BigDecimal.ZERO;
    for (int at = 0; at < rest.length(); ) {
      int end = at;
      while (end < rest.length() && isNumberPart(rest.charAt(end))) {
        end++;
      }
      String number = rest.substring(at, end);
      if (number.length() > MOST_DIGITS || !Pattern.matches("[0-9]+\\.?[0-9]*|\\.[0-9]+", number)) {
        throw invalid("time: invalid duration " + quote(text));
      }
      int unitEnd = end;
      while (unitEnd < rest.length() && !isNumberPart(rest.charAt(unitEnd))) {
        unitEnd++;
      }
      String unit = rest.substring(end, unitEnd);
      if (unit.isEmpty()) {
        throw invalid("time: missing unit in duration " + quote(text));
      }
      Long scale = UNITS.get(unit);
      if (scale == null) {
        throw invalid("time: unknown unit " + quote(unit) + " in duration " + quote(text));
      }
      String exact = number.endsWith(".") ? number + "0" : number;
      nanos = nanos.add(new BigDecimal(exact).multiply(BigDecimal.valueOf(scale)));
      if (nanos.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
        throw invalid("time: invalid duration " + quote(text));
      }
      at = unitEnd;
    }
    return Duration.ofNanos(negative ? -nanos.longValue() : nanos.longValue());
  }

  private static boolean isNumberPart(char c) {
    return c == '.' || c >= '0' && c <= '9';
  }

  /** {@code 1m30s}, {@code 1.5ms}, {@code 0s}: as Go prints a duration. */
  public static String duration(Duration duration) {
    long nanos = duration.toNanos();
    if (nanos == 0) {
      return "0s";
    }
    String sign = nanos < 0 ? "-" : "";
    long abs = Math.abs(nanos);
    if (abs < 1_000) {
      return sign + abs + "ns";
    }
    if (abs < 1_000_000) {
      return sign + decimal(abs, 1_000) + "\u00b5s";
    }
    if (abs < 1_000_000_000) {
      return sign + decimal(abs, 1_000_000) + "ms";
    }
    long minutes = abs / 60_000_000_000L;
    String seconds = decimal(abs % 60_000_000_000L, 1_000_000_000) + "s";
    if (minutes == 0) {
      return sign + seconds;
    }
    return sign + (minutes >= 60 ? minutes / 60 + "h" : "") + minutes % 60 + "m" + seconds;
  }

  private static String decimal(long value, long unit) {
    return BigDecimal.valueOf(value)
        .divide(BigDecimal.valueOf(unit))
        .stripTrailingZeros()
        .toPlainString();
  }

  /**
   * A whole number of at most {@code bits} bits in {@code radix}.
   *
   * @throws BuildException {@code INVALID}, in the words of Go's {@code strconv}
   */
  public static long parseInt(String text, int radix, int bits) {
    String digits = text.startsWith("-") || text.startsWith("+") ? text.substring(1) : text;
    if (digits.isEmpty()
        || !digits.chars().allMatch(c -> c < 128 && Character.digit(c, radix) >= 0)) {
      throw invalid("strconv.ParseInt: parsing " + quote(text) + ": invalid syntax");
    }
    try {
      long value = Long.parseLong(text, radix);
      long limit = bits == 64 ? Long.MAX_VALUE : (1L << (bits - 1)) - 1;
      if (value > limit || value < -limit - 1) {
        throw outOfRange(text);
      }
      return value;
    } catch (NumberFormatException e) {
      throw outOfRange(text);
    }
  }

  private static BuildException outOfRange(String text) {
    return invalid("strconv.ParseInt: parsing " + quote(text) + ": value out of range");
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
