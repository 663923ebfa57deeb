package dev.kiln.config;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import java.util.Locale;

/**
 * An amount of disk: bytes, or a share of the whole disk; zero is none. Immutable. Text forms:
 * {@code 1000}, {@code "512MB"} (always powers of 1024), {@code "10%"}. Source: BuildKit v0.34
 * {@code cmd/buildkitd/config/gcpolicy.go}.
 */
public sealed interface DiskSpace {
  /** How many bytes this is on a disk of {@code diskBytes}; 0 where that is unknown. */
  long bytes(long diskBytes);

  record Bytes(long count) implements DiskSpace {
    @Override
    public long bytes(long diskBytes) {
      return count;
    }
  }

  /**
   * A share counts as many times 10^9 bytes as it has whole GiB, and once more. Of a disk of
   * unknown size it is 2 * 10^9 bytes.
   */
  record Percent(int percent) implements DiskSpace {
    private static final long GIGABYTE = 1_000_000_000L;

    @Override
    public long bytes(long diskBytes) {
      if (percent == 0) {
        return 0;
      }
      if (diskBytes == 0) {
        return 2 * GIGABYTE;
      }
      long share =
          diskBytes > Long.MAX_VALUE / percent
              ? diskBytes / 100 * percent
              : diskBytes * percent / 100;
      return ((share >> 30) + 1) * GIGABYTE;
    }
  }

  /** Whether this is as good as not set. */
  default boolean isNone() {
    return equals(new Bytes(0)) || equals(new Percent(0));
  }

  /**
   * @param key for errors
   * @throws ConfigException naming the key
   */
  static DiskSpace parse(String key, String text) {
    if (text.isEmpty()) {
      return new Bytes(0);
    }
    if (Pattern.matches("\\+?[0-9]{1,5}%", text)) {
      return new Percent(Integer.parseInt(text.substring(0, text.length() - 1)));
    }
    Matcher m = // a number as Go reads it, and a unit with or without a space before
        Pattern.compile(
                "(\\+?(?:[0-9][0-9_]*\\.?[0-9]*|\\.[0-9]+)(?:e[-+]?[0-9]{1,3})?)"
                    + " ?(b|[kmgtp](?:i?b)?|)")
            .matcher(text.toLowerCase(Locale.ROOT));
    double bytes =
        m.matches()
            ? Double.parseDouble(m.group(1).replace("_", "")) * unit(m.group(2))
            : Double.POSITIVE_INFINITY;
    if (bytes >= Long.MAX_VALUE) {
      throw new ConfigException(
          "invalid disk space '" + text + "' for " + key + ": write bytes, \"512MB\" or \"10%\"");
    }
    return new Bytes((long) bytes);
  }

  private static double unit(String name) {
    return name.isEmpty() ? 1 : Math.pow(1024, "bkmgtp".indexOf(name.charAt(0)));
  }
}
