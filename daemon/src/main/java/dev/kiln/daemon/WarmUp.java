package dev.kiln.daemon;

import dev.kiln.tracing.Blocking;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rehearses between the start and the first build, so that it finds code that has run (ADR 0009). A
 * client that comes at once comes before any rehearsal; one that comes later ends it with the build
 * under way. Whoever starts it closes it, which waits for that end.
 */
final class WarmUp implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(WarmUp.class);

  /** After as many, another gains little. */
  static final int BUILDS = 20;

  /** Whoever starts a daemon to build with it comes within this time. */
  private static final Duration GRACE = Duration.ofMillis(100);

  private static final Duration LAST_BUILD = Duration.ofSeconds(10);

  /** What is done again and again. */
  interface Builds extends AutoCloseable {
    /** Builds once; blocks. */
    void build() throws Exception;
  }

  private final CompletableFuture<Void> over = new CompletableFuture<>();
  private final Blocking.Task<Integer> task;

  private WarmUp(CompletionStage<?> opened, Callable<? extends Builds> rehearsal) {
    task =
        Blocking.onPlatform(
            "warm-up",
            () -> {
              CompletableFuture.anyOf(opened.toCompletableFuture(), over).get();
              return isOverWithin(GRACE) ? 0 : rehearse(rehearsal);
            });
    task.done()
        .whenComplete((_, failure) -> {
          if (failure != null) {
            LOG.debug("no warm-up", failure);
          }
        });
  }

  /**
   * @param opened ends when the daemon's state is open; without a state there is no rehearsal
   * @param rehearsal called once, or not at all
   */
  static WarmUp start(CompletionStage<?> opened, Callable<? extends Builds> rehearsal) {
    return new WarmUp(opened, rehearsal);
  }

  private int rehearse(Callable<? extends Builds> rehearsal) throws Exception {
    long start = System.nanoTime();
    int built = 0;
    try (Builds builds = rehearsal.call()) {
      while (built < BUILDS && !over.isDone()) {
        builds.build();
        built++;
      }
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    LOG.info("warmed up in {} ms, builds={}", millis, built);
    return built;
  }

  private boolean isOverWithin(Duration time) throws InterruptedException, ExecutionException {
    try {
      over.get(time.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    }
  }

  /** The daemon has better to do: nothing more is begun. Does not block. */
  void end() {
    over.complete(null);
  }

  /** Ends when nothing is rehearsed any more: with the number of builds, or why there were none. */
  CompletionStage<Integer> done() {
    return task.done();
  }

  @Override
  public void close() {
    end();
    try {
      task.done().toCompletableFuture().get(LAST_BUILD.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      LOG.trace("told already", e);
    } catch (TimeoutException e) {
      LOG.warn("the warm-up did not end in {}", LAST_BUILD);
      task.interrupt();
    }
  }
}
