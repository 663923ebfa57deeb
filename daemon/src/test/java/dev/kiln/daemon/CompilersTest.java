package dev.kiln.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.control.Builds;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.tracing.Blocking;
import io.opentelemetry.context.Context;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class CompilersTest {
  private static final int PROBE = 1;
  private static final int FORWARD = 0;
  private static final int BACK = 10;
  private static final Duration NEVER = Duration.ofDays(1);

  /** What the threads were set to, in order. */
  private final LinkedBlockingQueue<Integer> set = new LinkedBlockingQueue<>();

  private int next() throws InterruptedException {
    Integer value = set.poll(10, TimeUnit.SECONDS);
    assertThat(value).as("the next priority").isNotNull();
    return value;
  }

  private static Blocking.Task<SolveResponse> start(
      Compilers compilers, CompletableFuture<SolveResponse> end) {
    Builds builds = compilers.around((request, caller) -> end.get());
    return Blocking.start(
        "build", () -> builds.solve(SolveRequest.getDefaultInstance(), Context.root()));
  }

  private static void end(CompletableFuture<SolveResponse> end, Blocking.Task<SolveResponse> task)
      throws Exception {
    end.complete(SolveResponse.getDefaultInstance());
    assertThat(task.done()).succeedsWithin(Duration.ofSeconds(10));
  }

  @Test
  void stepBackWhenTheDaemonIsWarmAndNotForShortBuilds() throws Exception {
    var compilers = new Compilers(set::add, NEVER);
    var build = new CompletableFuture<SolveResponse>();
    end(build, start(compilers, build));
    assertThat(set).as("before it is warm").isEmpty();
    compilers.warm();
    assertThat(set).containsExactly(PROBE, FORWARD, BACK);
    build = new CompletableFuture<>();
    end(build, start(compilers, build));
    assertThat(set).as("for a short build").containsExactly(PROBE, FORWARD, BACK);
  }

  @Test
  void comeForwardUntilTheLastLongBuildHasEnded() throws Exception {
    var compilers = new Compilers(set::add, Duration.ofMillis(1));
    compilers.warm();
    assertThat(List.of(next(), next(), next())).containsExactly(PROBE, FORWARD, BACK);
    var one = new CompletableFuture<SolveResponse>();
    var other = new CompletableFuture<SolveResponse>();
    var first = start(compilers, one);
    var second = start(compilers, other);
    await(compilers, 2);
    assertThat(next()).isEqualTo(FORWARD);
    end(one, first);
    await(compilers, 1);
    assertThat(set).as("while the other one runs").isEmpty();
    end(other, second);
    assertThat(next()).isEqualTo(BACK);
  }

  private static void await(Compilers compilers, int longBuilds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (compilers.longBuilds() != longBuilds) {
      assertThat(System.nanoTime()).as("%d long builds", longBuilds).isLessThan(end);
      Thread.onSpinWait();
    }
  }

  @Test
  void aLongBuildBeforeItIsWarmKeepsThemForward() throws Exception {
    var compilers = new Compilers(set::add, Duration.ofMillis(1));
    var one = new CompletableFuture<SolveResponse>();
    var first = start(compilers, one);
    await(compilers, 1);
    compilers.warm();
    assertThat(List.of(next(), next())).containsExactly(PROBE, FORWARD);
    assertThat(set).as("while the build runs").isEmpty();
    end(one, first);
    assertThat(next()).isEqualTo(BACK);
  }

  @Test
  void stayWhereTheyAreWhereTheyCouldNotComeForwardAgain() throws Exception {
    var compilers =
        new Compilers(
            value -> {
              set.add(value);
              if (value == FORWARD) {
                throw new IOException("operation not permitted");
              }
            },
            Duration.ofMillis(1));
    compilers.warm();
    assertThat(set).containsExactly(PROBE, FORWARD);
    var one = new CompletableFuture<SolveResponse>();
    var build = start(compilers, one);
    await(compilers, 1);
    end(one, build);
    await(compilers, 0);
    assertThat(set).containsExactly(PROBE, FORWARD);
  }
}
