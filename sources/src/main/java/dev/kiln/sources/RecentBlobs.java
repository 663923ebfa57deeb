package dev.kiln.sources;

import dev.kiln.store.Lease;
import dev.kiln.store.Leases;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/**
 * Keeps manifests and configurations for some minutes after they were read, because a build that
 * resolved an image asks for it again soon. Any thread; {@link #close} lets go.
 */
final class RecentBlobs implements AutoCloseable {
  private static final Duration KEPT = Duration.ofMinutes(5);
  private final Leases leases;
  private final Clock clock;
  private Lease before;
  private Lease now;
  private Instant since;

  RecentBlobs(Leases leases, Clock clock) {
    this.leases = leases;
    this.clock = clock;
    this.before = leases.open("recent-images");
    this.now = leases.open("recent-images");
    this.since = clock.instant();
  }

  /** What is held by it now stays for at least five minutes. */
  synchronized Lease lease() {
    Instant at = clock.instant();
    if (since.plus(KEPT).isBefore(at)) {
      before.close();
      before = now;
      now = leases.open("recent-images");
      since = at;
    }
    return now;
  }

  /** Lets go of everything now. */
  synchronized void forget() {
    close();
    before = leases.open("recent-images");
    now = leases.open("recent-images");
    since = clock.instant();
  }

  @Override
  public synchronized void close() {
    before.close();
    now.close();
  }
}
