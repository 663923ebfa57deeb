package dev.kiln.model;

import java.time.Instant;
import java.util.Optional;

/**
 * Where the work of one vertex reports. Any thread; never blocks for a watcher. The implementation
 * adds the vertex and stamps the time.
 */
public interface StepProgress {
  /**
   * @param stream 1 for stdout, 2 for stderr; {@code message} is not written to afterwards
   */
  void log(int stream, byte[] message);

  /**
   * Reports a part such as one layer; {@code total} is 0 where it is unknown. Equal ids replace
   * each other.
   */
  void status(
      String id,
      String name,
      long current,
      long total,
      Optional<Instant> started,
      Optional<Instant> completed);

  void warn(Progress.Warning warning);

  /** Starts a part that is shown from now on and ends with {@link Part#close}. */
  default Part part(String id) {
    Instant started = Instant.now();
    status(id, id, 0, 0, Optional.of(started), Optional.empty());
    return new Part(this, id, started);
  }

  /** A part under way; who started it closes it. Not thread-safe. */
  final class Part implements AutoCloseable {
    private final StepProgress to;
    private final String id;
    private final Instant started;
    private long current;
    private long total;

    private Part(StepProgress to, String id, Instant started) {
      this.to = to;
      this.id = id;
      this.started = started;
    }

    public void update(long currentNow, long totalNow) {
      current = currentNow;
      total = totalNow;
      to.status(id, id, current, total, Optional.of(started), Optional.empty());
    }

    @Override
    public void close() {
      to.status(id, id, current, total, Optional.of(started), Optional.of(Instant.now()));
    }
  }

  /** Reports nowhere. */
  StepProgress NONE =
      new StepProgress() {
        @Override
        public void log(int stream, byte[] message) {}

        @Override
        public void status(
            String id,
            String name,
            long current,
            long total,
            Optional<Instant> started,
            Optional<Instant> completed) {}

        @Override
        public void warn(Progress.Warning warning) {}
      };
}
