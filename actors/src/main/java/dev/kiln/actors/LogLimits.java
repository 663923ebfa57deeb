package dev.kiln.actors;

import java.util.Map;
import java.util.OptionalLong;

/**
 * How much of a step's output is shown (features V-56, O-32). Immutable.
 *
 * @param sizeBytes most bytes of one stream of one step; absent is without limit
 * @param bytesPerSecond most bytes of a stream in each second; absent is without limit
 */
public record LogLimits(OptionalLong sizeBytes, OptionalLong bytesPerSecond) {
  /** 2 MiB, and 200 KiB a second. */
  public static final LogLimits DEFAULT =
      new LogLimits(OptionalLong.of(2L << 20), OptionalLong.of(200L << 10));

  /** Reads {@code BUILDKIT_STEP_LOG_MAX_SIZE} and {@code _SPEED}; -1 is without limit. */
  public static LogLimits of(Map<String, String> environment) {
    return new LogLimits(
        limit(environment.get("BUILDKIT_STEP_LOG_MAX_SIZE"), DEFAULT.sizeBytes),
        limit(environment.get("BUILDKIT_STEP_LOG_MAX_SPEED"), DEFAULT.bytesPerSecond));
  }

  private static OptionalLong limit(
      @org.jspecify.annotations.Nullable String text, OptionalLong otherwise) {
    try {
      int value = Integer.parseInt(text == null ? "" : text);
      return value == -1 ? OptionalLong.empty() : OptionalLong.of(value);
    } catch (NumberFormatException e) {
      return otherwise; // as BuildKit v0.22.0 does, logs.go
    }
  }
}
