package dev.kiln.cli.view;

import java.util.Locale;

/** Byte counts for people. */
final class Sizes {
  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB"};

  private Sizes() {}

  /** In decimal units, three digits. */
  static String of(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1000 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    String pattern = unit == 0 || value >= 100 ? "%.0f%s" : value >= 10 ? "%.1f%s" : "%.2f%s";
    return String.format(Locale.ROOT, pattern, value, UNITS[unit]);
  }
}
