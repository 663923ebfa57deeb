package dev.kiln.exec.usage;

import dev.kiln.tracing.Blocking;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Reads something again and again until it is closed. What ends before the first two seconds have
 * passed costs a timer and one reading. Any thread; who starts it closes it.
 */
public final class Sampling implements AutoCloseable {
  private static final int MOST_OF_SYSTEM = 20;
  private final Function<Instant, String> read;
  private final Samples samples;
  private CompletableFuture<Boolean> next = new CompletableFuture<>();
  private boolean closed;

  private Sampling(int most, Function<Instant, String> read) {
    this.read = read;
    this.samples = new Samples(Instant.now(), most);
  }

  static Sampling start(int most, Function<Instant, String> read) {
    var sampling = new Sampling(most, read);
    sampling.schedule();
    return sampling;
  }

  /** Readings of the whole machine. */
  public static Sampling ofSystem() {
    return start(MOST_OF_SYSTEM, at -> SystemReading.json(Path.of("/proc"), at));
  }

  private synchronized void schedule() {
    if (!closed) {
      next =
          new CompletableFuture<Boolean>()
              .completeOnTimeout(true, samples.interval().toMillis(), TimeUnit.MILLISECONDS);
      var _ = next.thenRun(() -> Blocking.start("sample", this::sample));
    }
  }

  private synchronized boolean sample() {
    if (!closed) {
      Instant now = Instant.now();
      samples.add(now, read.apply(now));
      schedule();
    }
    return true;
  }

  /** The readings so far, and one of this moment: JSON objects in order of time. */
  public synchronized List<String> taken() {
    var all = new ArrayList<>(samples.thinned());
    all.add(read.apply(Instant.now()));
    return all;
  }

  @Override
  public synchronized void close() {
    closed = true;
    next.cancel(false);
  }
}
