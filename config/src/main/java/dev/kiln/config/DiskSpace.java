package dev.kiln.config;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An amount of disk: bytes, or a share of the whole disk. Immutable. Text forms: {@code 1000},
 * {@code "512MB"} (always powers of 1024), {@code "10%"}. Source: BuildKit v0.22 {@code
 * cmd/buildkitd/config/gcpolicy.go}.
 */
public sealed interface DiskSpace {
  /** How many bytes this is on a disk of {@code diskBytes}. */
  long bytes(long diskBytes);

  record Bytes(long count) implements DiskSpace {
    @Override
    public long bytes(long diskBytes) {
      return count;
    }
  }

  /** Shares are rounded up to whole gigabytes (10^9 bytes). */
  record Percent(int percent) implements DiskSpace {
    private static final long GIGABYTE = 1_000_000_000L;

    @Override
    public long bytes(long diskBytes) {
      long exact = diskBytes / 100 * percent;
      return Math.ceilDiv(exact, GIGABYTE) * GIGABYTE;
    }
  }

  static DiskSpace parse(String key, String text) {
    Matcher m =
        Pattern.compile("([0-9]+(?:\\.[0-9]+)?) ?(%|[kmgtp]?i?b?)")
            .matcher(text.toLowerCase(Locale.ROOT));
    if (!m.matches()) {
      throw new ConfigException(
          "invalid disk space '" + text + "' for " + key + ": write bytes, \"512MB\" or \"10%\"");
    }
    String unit = m.group(2);
    if (unit.equals("%")) {
      return new Percent((int) Double.parseDouble(m.group(1)));
    }
    int power = unit.isEmpty() ? 0 : Math.max(0, "bkmgtp".indexOf(unit.charAt(0)));
    return new Bytes((long) (Double.parseDouble(m.group(1)) * Math.pow(1024, power)));
  }
}
