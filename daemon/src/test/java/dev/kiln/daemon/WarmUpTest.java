package dev.kiln.daemon;

import static java.util.concurrent.CompletableFuture.completedStage;
import static java.util.concurrent.CompletableFuture.failedStage;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class WarmUpTest {
  private final CompletableFuture<Void> wanted = new CompletableFuture<>();

  /** Counts, and does what a test wants done in a build. */
  private static final class Counted implements WarmUp.Builds {
    private interface Work {
      void run(int number) throws Exception;
    }

    private final Work work;
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
      work.run(built);
    }

    @Override
    public void close() {
      closed++;
    }
  }

  private static final Counted.Work NOTHING = number -> {};

  /** The warm-up's end, and what failed it. */
  private void run(CompletionStage<?> opened, Counted builds) throws Exception {
    try (var warmUp = WarmUp.start(opened, wanted, builds::open)) {
      warmUp
          .done()
          .handle((count, failure) -> true)
          .toCompletableFuture()
          .get(10, TimeUnit.SECONDS);
    }
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
    wanted.complete(null);
    run(completedStage(true), builds);
    assertThat(builds.opened).isZero();
  }

  @Test
  void aClientEndsItWithTheBuildUnderWay() throws Exception {
    var builds =
        new Counted(number -> {
          if (number == 3) {
            wanted.complete(null);
          }
        });
    run(completedStage(true), builds);
    assertThat(builds.built).isEqualTo(3);
    assertThat(builds.closed).isEqualTo(1);
  }

  @Test
  void aFailureEndsItAndHarmsNobody() throws Exception {
    var builds =
        new Counted(number -> {
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
  void closingWaitsForTheBuildUnderWay() throws Exception {
    var begun = new CountDownLatch(1);
    var builds = new Counted(number -> begun.countDown());
    try (var _ = WarmUp.start(completedStage(true), wanted, builds::open)) {
      assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(builds.closed).isEqualTo(1);
  }
}
