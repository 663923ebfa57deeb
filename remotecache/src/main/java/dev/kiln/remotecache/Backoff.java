package dev.kiln.remotecache;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/**
 * Holds back all requests to a service that has said that they are too many: for a second, then for
 * twice as long each time, 90 seconds at most; or for as long as the service asks. Any thread.
 * (go-actions-cache, {@code retry.go}.)
 */
final class Backoff {
  private static final Duration FIRST = Duration.ofSeconds(1);
  private static final Duration MOST = Duration.ofSeconds(90);

  /** How a wait passes; tests let it pass at once. */
  interface Pause {
    void pass(Duration time) throws InterruptedException;
  }

  private final Clock clock;
  private final Pause pause;
  private Duration step = Duration.ZERO; // guarded by this
  private Instant until = Instant.EPOCH; // guarded by this

  Backoff(Clock clock, Pause pause) {
    this.clock = clock;
    this.pause = pause;
  }

  /**
   * Waits until a request may be sent.
   *
   * @return false, at once, where that is only after {@code deadline}
   */
  boolean await(Instant deadline) throws InterruptedException {
    for (Duration left = left(); left.isPositive(); left = left()) {
      if (clock.instant().plus(left).isAfter(deadline)) {
        return false;
      }
      pause.pass(left);
    }
    return true;
  }

  private synchronized Duration left() {
    return Duration.between(clock.instant(), until);
  }

  /**
   * A request was refused; others that were under way may have been with it.
   *
   * @param asked by the service, or zero
   */
  synchronized void refused(Duration asked) {
    Instant now = clock.instant();
    boolean holding = now.isBefore(until);
    if (!holding) {
      step = step.isZero() ? FIRST : min(step.multipliedBy(2), MOST);
    }
    Duration wait = holding ? FIRST : step;
    Instant next = now.plus(wait.compareTo(asked) > 0 ? wait : asked);
    until = next.isAfter(until) ? next : until;
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  synchronized void answered() {
    step = Duration.ZERO;
    until = Instant.EPOCH;
  }

  Instant now() {
    return clock.instant();
  }

  Pause pause() {
    return pause;
  }
}
