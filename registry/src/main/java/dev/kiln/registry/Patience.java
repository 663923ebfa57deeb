package dev.kiln.registry;

import java.time.Duration;

/**
 * How slow a server may be. Immutable.
 *
 * @param window waiting of so long must bring something: an answer, or of a body
 * @param leastBytes so many bytes
 * @param uploadWindow as {@code window}, for a request that takes much: a registry may store what
 *     it got before it answers
 */
record Patience(Duration window, int leastBytes, Duration uploadWindow) {
  static final Patience USUAL =
      new Patience(Duration.ofMinutes(2), 16 << 10, Duration.ofMinutes(10));
}
