package dev.kiln.model;

import java.time.Instant;
import java.util.Optional;

/**
 * Seconds since 1970 that users set as the time of what is built. Files and ops bear times as 64
 * bits of nanoseconds, so they are of 1677 to 2262. Stateless.
 */
public final class EpochSeconds {
  private static final long MOST = Long.MAX_VALUE / 1_000_000_000 - 1;

  private EpochSeconds() {}

  /** Empty for a time that files cannot bear. */
  public static Optional<Instant> instant(long seconds) {
    return seconds >= -MOST && seconds <= MOST
        ? Optional.of(Instant.ofEpochSecond(seconds))
        : Optional.empty();
  }
}
