package dev.kiln.control;

import dev.kiln.grpc.GrpcErrors;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;

/**
 * Something that is opened while the daemon already answers. Any thread.
 *
 * @param <T> what it will be
 */
public final class Opening<T> {
  private final CompletableFuture<T> done;

  public Opening(CompletionStage<T> done) {
    this.done = done.toCompletableFuture();
  }

  /** Waits until it is open. Blocks: on a virtual thread only. */
  public T await() throws InterruptedException {
    try {
      return done.get();
    } catch (ExecutionException e) {
      throw GrpcErrors.toBuild(e).wrap("the daemon could not start");
    }
  }

  /** Ends when it is open. */
  public CompletionStage<T> done() {
    return done.minimalCompletionStage();
  }
}
