package dev.kiln.exporters;

import dev.kiln.model.BuildException;
import dev.kiln.tracing.Blocking;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;

/** Runs pieces of blocking work at once and waits for all. Stateless, any thread. */
public final class Parallel {
  private Parallel() {}

  /** As {@link #run(String, List)}, with so many at once: for pieces that hold buffers. */
  public static <T> List<T> run(String name, int atOnce, List<Callable<T>> pieces)
      throws InterruptedException {
    var permits = new Semaphore(atOnce);
    return run(
        name,
        pieces.stream()
            .<Callable<T>>map(piece ->
                () -> {
                  permits.acquire();
                  try {
                    return piece.call();
                  } finally {
                    permits.release();
                  }
                })
            .toList());
  }

  /**
   * The results in the order of the pieces. As soon as one fails, or the caller is interrupted, the
   * others are interrupted and waited for; so nothing runs on afterwards.
   *
   * @throws BuildException the failure that came first
   */
  public static <T> List<T> run(String name, List<Callable<T>> pieces) throws InterruptedException {
    var tasks = new ArrayList<Blocking.Task<T>>();
    for (Callable<T> piece : pieces) {
      tasks.add(Blocking.start(name, piece));
    }
    var first = new AtomicReference<Throwable>();
    for (Blocking.Task<T> task : tasks) {
      task.done()
          .whenComplete((result, failure) -> {
            if (failure != null && first.compareAndSet(null, failure)) {
              tasks.forEach(Blocking.Task::interrupt);
            }
          });
    }
    var results = new ArrayList<T>();
    InterruptedException interrupt = null;
    for (Blocking.Task<T> task : tasks) {
      boolean done = false;
      while (!done) {
        try {
          results.add(task.done().toCompletableFuture().get());
          done = true;
        } catch (ExecutionException e) {
          done = true;
          first.compareAndSet(null, e); // where the callback has not come yet
        } catch (InterruptedException e) {
          interrupt = e;
          tasks.forEach(Blocking.Task::interrupt);
        }
      }
    }
    if (interrupt != null) {
      throw interrupt;
    }
    Throwable failure = first.get();
    if (failure != null) {
      throw BuildException.of(failure);
    }
    return results;
  }
}
