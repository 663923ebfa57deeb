package dev.kiln.store.layer;

import java.nio.charset.StandardCharsets;

/**
 * A time of a pax header: decimal seconds since 1970, with or without a fraction. No exponent, and
 * no more than a {@code long} of seconds: a text of ten characters must not be a number of a
 * million digits. Rules: Go's {@code archive/tar} 1.26, {@code strconv.go}.
 *
 * @param nanos count forward from {@code seconds}, also before 1970; further digits are cut off
 */
record PaxTime(long seconds, int nanos) {
  private static final int DIGITS = 9;

  /**
   * @throws dev.kiln.model.BuildException {@code INVALID} for anything else
   */
  static PaxTime parse(byte[] value) {
    String text = new String(value, StandardCharsets.ISO_8859_1);
    int dot = text.indexOf('.');
    String whole = dot < 0 ? text : text.substring(0, dot);
    String fraction = dot < 0 ? "" : text.substring(dot + 1);
    if (!fraction.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw TarReader.invalid("invalid pax header: mtime");
    }
    try {
      long seconds = Long.parseLong(whole);
      int nanos = Integer.parseInt((fraction + "0".repeat(DIGITS)).substring(0, DIGITS));
      return whole.startsWith("-") && nanos > 0
          ? new PaxTime(Math.subtractExact(seconds, 1), 1_000_000_000 - nanos)
          : new PaxTime(seconds, nanos);
    } catch (NumberFormatException | ArithmeticException e) {
      throw TarReader.invalid("invalid pax header: mtime");
    }
  }
}
