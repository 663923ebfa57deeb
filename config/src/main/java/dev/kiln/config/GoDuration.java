package dev.kiln.config;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/**
 * Durations as Go spells them ({@code 1h30m}, {@code 1.5s}, {@code -20s}); in a setting a bare
 * number counts seconds, as in buildkitd.toml.
 */
public final class GoDuration {
  private static final Pattern PART =
      Pattern.compile("([0-9]*\\.?[0-9]+|[0-9]+\\.)(ns|us|µs|ms|s|m|h)");
  private static final Pattern NUMBER = Pattern.compile("[-+]?[0-9]{1,18}");

  /** The first that Go's durations do not hold (but for a nanosecond). */
  private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);

  private GoDuration() {}

  /**
   * @throws ConfigException naming the key
   */
  public static Duration parse(String key, String text) {
    if (text.isEmpty()) {
      return Duration.ZERO;
    }
    Optional<Duration> found =
        NUMBER.matcher(text).matches()
            ? Optional.of(Duration.ofSeconds(Long.parseLong(text)))
            : find(text);
    return found
        .filter(GoDuration::isHeldByGo)
        .orElseThrow(() ->
            new ConfigException(
                "invalid duration '"
                    + text
                    + "' for "
                    + key
                    + ": write seconds or a form such as 48h, 90m, 1h30m"));
  }

  /**
   * As Go reads it: a number needs its unit. Empty for what is no duration, or one of more than 292
   * years.
   */
  public static Optional<Duration> find(String text) {
    boolean negative = text.startsWith("-");
    String rest = negative || text.startsWith("+") ? text.substring(1) : text;
    Matcher part = PART.matcher(rest);
    Duration sum = Duration.ZERO;
    int at = 0;
    while (part.find(at) && part.start() == at) {
      sum = sum.plusNanos(Math.round(Double.parseDouble(part.group(1)) * nanos(part.group(2))));
      at = part.end();
    }
    if (at == 0 || at < rest.length()) {
      return Optional.empty();
    }
    return Optional.of(negative ? sum.negated() : sum).filter(GoDuration::isHeldByGo);
  }

  private static boolean isHeldByGo(Duration duration) {
    return duration.abs().compareTo(LONGEST) < 0;
  }

  /** In a form that this reads, for people: {@code 48h}, {@code 1h30m}. */
  public static String text(Duration duration) {
    return duration.toString().substring("PT".length()).toLowerCase(Locale.ROOT);
  }

  private static double nanos(String unit) {
    return switch (unit) {
      case "ns" -> 1;
      case "us", "µs" -> 1e3;
      case "ms" -> 1e6;
      case "s" -> 1e9;
      case "m" -> 60e9;
      case "h" -> 3600e9;
      default -> throw new AssertionError(unit);
    };
  }
}
