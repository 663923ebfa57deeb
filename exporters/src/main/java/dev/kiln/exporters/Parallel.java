package dev.kiln.exporters;

import dev.kiln.model.BuildException;
import dev.kiln.tracing.Blocking;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;

/** Runs pieces of blocking work at once and waits for all. Stateless, any thread. */
public final class Parallel {
  private Parallel() {}

  /**
   * The results in the order of the pieces. When one fails, or the caller is interrupted, the
   * others are interrupted and waited for; so nothing runs on afterwards.
   *
   * @throws BuildException the first failure
   */
  public static <T> List<T> run(String name, List<Callable<T>> pieces) throws InterruptedException {
    var tasks = new ArrayList<Blocking.Task<T>>();
    for (Callable<T> piece : pieces) {
      tasks.add(Blocking.start(name, piece));
    }
    var results = new ArrayList<T>();
    BuildException failure = null;
    InterruptedException interrupt = null;
    for (Blocking.Task<T> task : tasks) {
      boolean done = false;
      while (!done) {
        try {
          results.add(task.done().toCompletableFuture().get());
          done = true;
        } catch (ExecutionException e) {
          done = true;
          if (failure == null) {
            failure = BuildException.of(e);
            tasks.forEach(Blocking.Task::interrupt);
          }
        } catch (InterruptedException e) {
          interrupt = e;
          tasks.forEach(Blocking.Task::interrupt);
        }
      }
    }
    if (interrupt != null) {
      throw interrupt;
    }
    if (failure != null) {
      throw failure;
    }
    return results;
  }
}
