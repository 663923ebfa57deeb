package dev.kiln.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class FlightsTest {
  private final Flights<String, Integer> flights = new Flights<>();
  private final AtomicInteger runs = new AtomicInteger();

  private void awaitWaiting(int count) {
    while (flights.waiting("k") < count) {
      Thread.onSpinWait();
    }
  }

  private static <T> T get(Blocking.Task<T> task) throws InterruptedException, ExecutionException {
    return task.done().toCompletableFuture().get();
  }

  @Test
  void whoeverWantsTheSameSharesTheWork() throws Exception {
    var gate = new CountDownLatch(1);
    Flights.Work<Integer> work =
        () -> {
          gate.await();
          return runs.incrementAndGet();
        };
    var first = Blocking.start("first", () -> flights.join("k", work));
    var second = Blocking.start("second", () -> flights.join("k", work));
    awaitWaiting(1);
    gate.countDown();
    assertThat(get(first)).isEqualTo(1);
    assertThat(get(second)).isEqualTo(1);
    assertThat(flights.join("k", work)).isEqualTo(2);
  }

  @Test
  void whoWaitsTakesOverFromOneWhoWasInterrupted() throws Exception {
    var never = new CountDownLatch(1);
    Flights.Work<Integer> work =
        () -> {
          if (runs.incrementAndGet() == 1) {
            never.await();
          }
          return 7;
        };
    var first = Blocking.start("first", () -> flights.join("k", work));
    while (runs.get() == 0) {
      Thread.onSpinWait();
    }
    var second = Blocking.start("second", () -> flights.join("k", work));
    awaitWaiting(1);
    first.interrupt();
    assertThat(get(second)).isEqualTo(7);
    assertThatThrownBy(() -> get(first)).hasCauseInstanceOf(InterruptedException.class);
  }

  @Test
  void failureIsEverybodys() throws Exception {
    var gate = new CountDownLatch(1);
    Flights.Work<Integer> work =
        () -> {
          gate.await();
          throw new IOException("no");
        };
    var first = Blocking.start("first", () -> flights.join("k", work));
    var second = Blocking.start("second", () -> flights.join("k", work));
    awaitWaiting(1);
    gate.countDown();
    assertThatThrownBy(() -> get(first)).hasRootCauseMessage("no");
    assertThatThrownBy(() -> get(second)).hasRootCauseMessage("no");
  }
}
