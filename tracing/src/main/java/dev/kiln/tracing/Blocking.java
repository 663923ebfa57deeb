package dev.kiln.tracing;

import io.opentelemetry.context.Context;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Where blocking work runs, never on an Akka dispatcher thread. Two doors: {@link #start} is a
 * virtual thread a task, for JVM I/O and gRPC waits; {@link #onPlatform} is a platform thread a
 * task, for processes, drains, mounts and long system calls, which would hold a virtual thread's
 * carrier. The caller's OpenTelemetry context is current in the task. There is no upper bound here:
 * whoever owns a number (a pool, a limiter) sets it.
 */
public final class Blocking {
  private Blocking() {}

  /**
   * Work under way. {@code done} ends whatever ends the work; {@link #interrupt} asks the work to
   * stop, which ends {@code done} when the work has really ended.
   */
  public record Task<T>(CompletionStage<T> done, Runnable interruption) {
    public void interrupt() {
      interruption.run();
    }
  }

  /** Runs {@code work} on a new virtual thread. */
  public static <T> Task<T> start(String name, Callable<T> work) {
    return run(Thread.ofVirtual().name(name), work);
  }

  /** Runs {@code work} on a new platform (daemon) thread. */
  public static <T> Task<T> onPlatform(String name, Callable<T> work) {
    return run(Thread.ofPlatform().name(name).daemon(), work);
  }

  private static <T> Task<T> run(Thread.Builder builder, Callable<T> work) {
    var done = new CompletableFuture<T>();
    Callable<T> traced = Context.current().wrap(work);
    Thread thread =
        builder.start(() -> {
          try {
            done.complete(traced.call());
          } catch (Throwable e) { // whatever ends the work ends the future: a slot is never lost
            done.completeExceptionally(e);
          }
        });
    return new Task<>(done, thread::interrupt);
  }
}
