package dev.kiln.exporters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class ParallelTest {
  @Test
  void resultsComeInTheOrderOfThePieces() throws Exception {
    var second = new CountDownLatch(1);
    List<Callable<String>> pieces =
        List.of(
            () -> {
              second.await();
              return "a";
            },
            () -> {
              second.countDown();
              return "b";
            });
    assertThat(Parallel.run("test", pieces)).containsExactly("a", "b");
  }

  @Test
  void noMoreThanSoManyAtOnce() throws Exception {
    var running = new AtomicInteger();
    var most = new AtomicInteger();
    var third = new CountDownLatch(3);
    Callable<Boolean> piece =
        () -> {
          most.accumulateAndGet(running.incrementAndGet(), Math::max);
          third.countDown();
          third.await(); // three run at once, or this test does not end
          running.decrementAndGet();
          return true;
        };
    assertThat(Parallel.run("test", 3, Collections.nCopies(20, piece))).hasSize(20);
    assertThat(most).hasValue(3);
  }

  @Test
  void aLaterPiecesFailureEndsAnEarlierOneAndIsTold() {
    var ended = new AtomicBoolean();
    List<Callable<String>> pieces =
        List.of(
            () -> {
              try {
                new CountDownLatch(1).await();
                return "never";
              } finally {
                ended.set(true);
              }
            },
            () -> {
              throw new BuildException(Kind.NOT_FOUND, "gone");
            });
    assertThatThrownBy(() -> Parallel.run("test", pieces))
        .isInstanceOf(BuildException.class)
        .hasMessage("gone");
    assertThat(ended).isTrue();
  }

  @Test
  void anInterruptedCallerWaitsForThePieces() throws Exception {
    var ended = new AtomicBoolean();
    List<Callable<String>> pieces =
        List.of(() -> {
          try {
            new CountDownLatch(1).await();
            return "never";
          } finally {
            ended.set(true);
          }
        });
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> Parallel.run("test", pieces)).isInstanceOf(InterruptedException.class);
    assertThat(ended).isTrue();
  }
}
