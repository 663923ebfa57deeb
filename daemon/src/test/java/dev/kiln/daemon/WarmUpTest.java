package dev.kiln.daemon;

import static java.util.concurrent.CompletableFuture.completedStage;
import static java.util.concurrent.CompletableFuture.failedStage;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class WarmUpTest {
  /** Counts, and does what a test wants done in a build. */
  private static final class Counted implements WarmUp.Builds {
    private interface Work {
      void run(int number, WarmUp warmUp) throws Exception;
    }

    private final Work work;
    private final CompletableFuture<WarmUp> warmUp = new CompletableFuture<>();
    private int opened;
    private int built;
    private int closed;

    Counted(Work work) {
      this.work = work;
    }

    Counted open() {
      opened++;
      return this;
    }

    @Override
    public void build() throws Exception {
      built++;
      work.run(built, warmUp.get(10, TimeUnit.SECONDS));
    }

    @Override
    public void close() {
      closed++;
    }
  }

  private static final Counted.Work NOTHING = (number, warmUp) -> {};

  private static void run(CompletionStage<?> opened, Counted builds) throws Exception {
    try (var warmUp = WarmUp.start(opened, builds::open)) {
      builds.warmUp.complete(warmUp);
      awaitEnd(warmUp);
    }
  }

  private static void awaitEnd(WarmUp warmUp) throws Exception {
    warmUp.done().handle((count, failure) -> true).toCompletableFuture().get(10, TimeUnit.SECONDS);
  }

  @Test
  void buildsUntilAnotherBuildWouldGainLittle() throws Exception {
    var builds = new Counted(NOTHING);
    run(completedStage(true), builds);
    assertThat(builds.built).isEqualTo(WarmUp.BUILDS);
    assertThat(builds.closed).isEqualTo(1);
  }

  @Test
  void aClientThatComesAtOnceComesFirst() throws Exception {
    var builds = new Counted(NOTHING);
    try (var warmUp = WarmUp.start(completedStage(true), builds::open)) {
      warmUp.end();
      awaitEnd(warmUp);
    }
    assertThat(builds.opened).isZero();
  }

  @Test
  void aClientEndsItWithTheBuildUnderWay() throws Exception {
    var builds =
        new Counted((number, warmUp) -> {
          if (number == 3) {
            warmUp.end();
          }
        });
    run(completedStage(true), builds);
    assertThat(builds.built).isEqualTo(3);
    assertThat(builds.closed).isEqualTo(1);
  }

  @Test
  void aFailureEndsItAndHarmsNobody() throws Exception {
    var builds =
        new Counted((number, warmUp) -> {
          throw new IOException("no space left");
        });
    run(completedStage(true), builds);
    assertThat(builds.built).isEqualTo(1);
    assertThat(builds.closed).isEqualTo(1);
  }

  @Test
  void aDaemonThatCannotOpenItsStateIsNotRehearsed() throws Exception {
    var builds = new Counted(NOTHING);
    run(failedStage(new IOException("broken")), builds);
    assertThat(builds.opened).isZero();
  }

  @Test
  void aDaemonThatStopsWhileItOpensItsStateWaitsForNothing() throws Exception {
    var builds = new Counted(NOTHING);
    var warmUp = WarmUp.start(new CompletableFuture<>(), builds::open);
    warmUp.close();
    assertThat(warmUp.done()).isCompletedWithValue(0);
    assertThat(builds.opened).isZero();
  }

  @Test
  void closingWaitsForTheBuildUnderWay() throws Exception {
    var begun = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    var builds =
        new Counted((number, warmUp) -> {
          begun.countDown();
          goOn.await();
        });
    var warmUp = WarmUp.start(completedStage(true), builds::open);
    builds.warmUp.complete(warmUp);
    assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
    var thread = new CompletableFuture<Thread>();
    var closing =
        Blocking.onPlatform(
            "closing",
            () -> {
              thread.complete(Thread.currentThread());
              warmUp.close();
              return builds.closed;
            });
    Thread closer = thread.get(10, TimeUnit.SECONDS);
    while (closer.getState() != Thread.State.TIMED_WAITING) {
      assertThat(closer.isAlive()).as("closing, while a build is under way").isTrue();
      Thread.onSpinWait();
    }
    goOn.countDown();
    assertThat(closing.done()).succeedsWithin(Duration.ofSeconds(10)).isEqualTo(1);
    assertThat(builds.built).isEqualTo(1);
  }
}
