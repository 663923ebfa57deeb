package dev.kiln.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ThreadPerTaskTest {
  @Test
  void aTaskThatFindsNoThreadWaitsForOne() throws Exception {
    var tries = new AtomicInteger();
    var executor =
        new ThreadPerTask((Runnable task) -> {
          switch (tries.getAndIncrement()) {
            case 0 -> throw new OutOfMemoryError("unable to create native thread");
            case 1 -> throw new RejectedExecutionException();
            default -> Thread.ofVirtual().start(task);
          }
        });
    var ran = new CompletableFuture<Boolean>();
    executor.execute(() -> ran.complete(Thread.currentThread().isVirtual()));
    assertThat(ran.get(10, TimeUnit.SECONDS)).as("on a thread of its own").isTrue();
  }

  @Test
  void eachTaskHasAThread() throws Exception {
    var executor = new ThreadPerTask("callback");
    var first = new CompletableFuture<String>();
    executor.execute(() -> first.complete(Thread.currentThread().getName()));
    assertThat(first.get(10, TimeUnit.SECONDS)).isEqualTo("callback");
  }
}
