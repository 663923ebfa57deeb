package dev.kiln.tracing;

import io.opentelemetry.context.Context;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Runs callbacks of a library, each on a virtual thread of its own, as {@link Blocking} does. Where
 * no thread can be started, as where the machine has no memory left for one, the callback waits for
 * one: its caller is answered late, and not never. Any thread.
 */
public final class ThreadPerTask implements Executor {
  private final Executor starts;

  /**
   * @param name of the threads
   */
  public ThreadPerTask(String name) {
    this(task ->
        Blocking.start(
            name,
            () -> {
              task.run();
              return null;
            }));
  }

  ThreadPerTask(Executor starts) {
    this.starts = starts;
    Reserve.begin();
  }

  @Override
  public void execute(Runnable task) {
    Runnable traced = Context.current().wrap(task);
    if (!begins(traced)) {
      Reserve.WAITING.add(new Waiting(this, traced));
    }
  }

  private boolean begins(Runnable task) {
    try {
      starts.execute(task);
      return true;
    } catch (OutOfMemoryError | RejectedExecutionException e) { // what a JVM without threads throws
      return false;
    }
  }

  private record Waiting(ThreadPerTask executor, Runnable task) {}

  /** One thread for all, started before any could be missing. */
  private static final class Reserve {
    private static final long APART_MILLIS = 100;
    private static final LinkedBlockingQueue<Waiting> WAITING = new LinkedBlockingQueue<>();

    static {
      Thread.ofPlatform().name("thread-per-task").daemon().start(Reserve::serve);
    }

    /** Loads this class, and so starts its thread. */
    static void begin() {}

    private static void serve() {
      while (true) {
        try {
          Waiting next = WAITING.take();
          while (!next.executor().begins(next.task())) {
            TimeUnit.MILLISECONDS.sleep(APART_MILLIS);
          }
        } catch (InterruptedException e) {
          continue; // nobody interrupts it
        }
      }
    }
  }
}
