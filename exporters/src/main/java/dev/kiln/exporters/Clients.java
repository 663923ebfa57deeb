package dev.kiln.exporters;

import dev.kiln.model.StepProgress;
import dev.kiln.session.ClientSession;
import dev.kiln.session.Sessions;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;

/** The way to the client that asked for an export. Any thread. */
public final class Clients {
  /** A client may still be about to connect (BuildKit v0.22 {@code exporter/oci/export.go}). */
  private static final Duration WAIT = Duration.ofSeconds(5);

  private final Sessions sessions;

  public Clients(Sessions sessions) {
    this.sessions = sessions;
  }

  public ClientSession of(ExportContext context) throws InterruptedException {
    return sessions.get(context.sessionId(), WAIT);
  }

  /**
   * Shows a transfer: at most ten updates a second, and its end. Any thread; closed by its owner.
   */
  public static final class Transfer implements LongConsumer, AutoCloseable {
    private static final long INTERVAL_NANOS = 100_000_000;
    private final StepProgress progress;
    private final String id;
    private final Instant started = Instant.now();
    private final ReentrantLock lock = new ReentrantLock();
    private long shownAt = System.nanoTime() - INTERVAL_NANOS;
    private long bytes;

    public Transfer(StepProgress progress, String id) {
      this.progress = progress;
      this.id = id;
      progress.status(id, "transferring", 0, 0, Optional.of(started), Optional.empty());
    }

    @Override
    public void accept(long bytesSoFar) {
      lock.lock();
      try {
        bytes = Math.max(bytes, bytesSoFar);
        long now = System.nanoTime();
        if (now - shownAt >= INTERVAL_NANOS) {
          shownAt = now;
          progress.status(id, "transferring", bytes, 0, Optional.of(started), Optional.empty());
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      progress.status(
          id, "transferring", bytes, 0, Optional.of(started), Optional.of(Instant.now()));
    }
  }
}
