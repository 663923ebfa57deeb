package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.PoisonPill;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.Behavior;
import akka.actor.typed.ChildFailed;
import akka.actor.typed.javadsl.Adapter;
import akka.actor.typed.javadsl.Behaviors;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.Progress;
import dev.kiln.model.Progress.VertexState;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever fails around the solver, each of its callers is answered, and so is the next one. */
@Timeout(60)
final class FailuresTest {
  @TempDir Path folder;
  private Optional<SolverFixture> fixture = Optional.empty();

  private SolverFixture start(OptionalInt parallel) {
    var f = new SolverFixture(folder, parallel, new SolverFixture.MemoryStore());
    fixture = Optional.of(f);
    return f;
  }

  @AfterEach
  void stop() {
    fixture.ifPresent(SolverFixture::close);
  }

  private static FakeOps.Fake wide(SolverFixture f, String name, int inputs) {
    return f.ops.vertex(
        name,
        IntStream.range(0, inputs)
            .mapToObj(i -> f.ops.vertex(name + i))
            .toArray(FakeOps.Fake[]::new));
  }

  /** Vertices go behind the close of their job. */
  private static void noLeaseIsLeft(SolverFixture f) {
    f.eventually(() -> assertThat(f.openLeases).hasValue(0));
  }

  /** The log of the {@code n}th job is on a disk that is full. */
  private void fullDisk(int n) throws Exception {
    Files.createSymbolicLink(folder.resolve("job-" + n + ".log"), Path.of("/dev/full"));
  }

  @Test
  void logThatFindsNoRoomLeavesTheBuildAloneAndSaysSo() throws Exception {
    fullDisk(1);
    SolverFixture f = start(OptionalInt.empty());
    FakeOps.Fake root = wide(f, "a", 300);
    CountDownLatch gate = new CountDownLatch(1);
    root.gated(gate);
    ProgressLog log;
    try (Job job = f.job()) {
      log = job.progress();
      Solve solve = job.solve(root.graph(), List.of());
      root.runStarted.await();
      for (int i = 0; i < 200_000; i++) {
        root.progress().log(1, new byte[1]);
      }
      gate.countDown();
      assertThat(SolverFixture.get(solve).result()).isPresent();
    }
    List<Progress> shown = f.watched(log);
    assertThat(shown)
        .filteredOn(Progress.Warning.class::isInstance)
        .singleElement()
        .extracting(w -> ((Progress.Warning) w).summary())
        .asString()
        .contains("cannot write the log of this build")
        .contains("No space left on device");
    assertThat(
            shown.stream()
                .filter(VertexState.class::isInstance)
                .map(VertexState.class::cast)
                .filter(s -> s.completed().isPresent() && s.error().isEmpty())
                .map(VertexState::vertex)
                .distinct())
        .as("all are shown to their end")
        .hasSize(301);
    assertThat(f.build(f.ops.vertex("b")).result()).isPresent();
    noLeaseIsLeft(f);
  }

  @Test
  void logThatIsWrittenInPartIsWhatItWas() throws Exception {
    var log =
        new ProgressLog(
            events -> "x".repeat(1 << 15).getBytes(StandardCharsets.UTF_8),
            folder.resolve("missing/folder.log"));
    for (int i = 0; i < 100; i++) {
      log.append(List.of());
    }
    log.end();
    var out = new java.io.ByteArrayOutputStream();
    log.copyTo(out);
    assertThat(out.size() % ((1 << 15) + 4)).as("whole frames").isZero();
    assertThat(out.size()).isBetween(900_000, 1 << 20);
  }

  @Test
  void eventsWithoutAFormAreLeftOut() throws Exception {
    SolverFixture f = start(OptionalInt.empty());
    f.codecFailure = Optional.of(new IllegalStateException("no form"));
    assertThat(f.build(wide(f, "a", 3)).result()).isPresent();
    f.codecFailure = Optional.empty();
    assertThat(f.build(f.ops.vertex("b")).result()).isPresent();
  }

  @Test
  void everyPartOfAJobsEndIsTried() throws Exception {
    SolverFixture f = start(OptionalInt.empty());
    Job job = f.job("same", "");
    ProgressLog log = job.progress();
    FakeOps.Fake a = f.ops.vertex("a");
    SolverFixture.get(job.solve(a.graph(), List.of()));
    f.codecFailure = Optional.of(new IllegalStateException("no form"));
    f.leaseFailure = Optional.of(new IllegalStateException("no room"));
    job.close();
    f.codecFailure = Optional.empty();
    SolverFixture.get(log.ended());
    noLeaseIsLeft(f);
    f.leaseFailure = Optional.empty();
    f.job("same", "").close();
  }

  @Test
  void buildThatCannotBeBegunIsToldAndTheNextOneRuns() throws Exception {
    SolverFixture f = start(OptionalInt.empty());
    try (Job job = f.job()) {
      f.leaseFailure = Optional.of(new IllegalStateException("no room"));
      assertThatThrownBy(() -> SolverFixture.get(job.solve(f.ops.vertex("a").graph(), List.of())))
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INTERNAL))
          .hasMessage("the solver failed: no room");
      f.leaseFailure = Optional.empty();
      assertThat(SolverFixture.get(job.solve(f.ops.vertex("b").graph(), List.of())).result())
          .isPresent();
    }
  }

  private static void end(SolverFixture f, String path) {
    Adapter.toClassic(f.kit.system())
        .actorSelection("/system/" + path)
        .tell(PoisonPill.getInstance(), akka.actor.ActorRef.noSender());
  }

  @Test
  void endOfThePoolEndsTheBuildsUnderWayAndNoOther() throws Exception {
    SolverFixture f = start(OptionalInt.of(1));
    FakeOps.Fake first = f.ops.vertex("first").gated(new CountDownLatch(1));
    FakeOps.Fake second = f.ops.vertex("second");
    try (Job one = f.job();
        Job two = f.job()) {
      Solve running = one.solve(first.graph(), List.of());
      first.runStarted.await();
      Solve waiting = two.solve(second.graph(), List.of());
      second.mapStarted.await();
      end(f, "solver/graph/step-pool");
      for (Solve solve : List.of(running, waiting)) {
        assertThatThrownBy(() -> SolverFixture.get(solve))
            .isInstanceOfSatisfying(
                BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INTERNAL))
            .hasMessageContaining("build again");
      }
      assertThat(SolverFixture.get(two.solve(second.graph(), List.of())).result()).isPresent();
    }
    assertThat(f.build(f.ops.vertex("third")).result()).isPresent();
  }

  /** In the middle of two builds: one step of each runs, and one waits for the only slot. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "graph",
        "graph/step-pool",
        "graph/step-pool/worker-*",
        "graph/vertex-*",
        "graph/solve-*",
      })
  void whateverEndsBothClientsAreAnsweredAndNothingIsLeft(String path) throws Exception {
    SolverFixture f = start(OptionalInt.of(2));
    FakeOps.Fake first = f.ops.vertex("first").gated(new CountDownLatch(1));
    FakeOps.Fake second = f.ops.vertex("second").gated(new CountDownLatch(1));
    FakeOps.Fake waits = f.ops.vertex("waits");
    try (Job one = f.job();
        Job two = f.job()) {
      Solve running = one.solve(first.graph(), List.of());
      Solve other = two.solve(f.ops.vertex("after", second, waits).graph(), List.of());
      first.runStarted.await();
      second.runStarted.await();
      waits.mapStarted.await();
      end(f, "solver/" + path);
      for (Solve solve : List.of(running, other)) {
        assertThatThrownBy(() -> SolverFixture.get(solve))
            .isInstanceOfSatisfying(
                BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INTERNAL));
      }
    }
    noLeaseIsLeft(f);
    f.eventually(() -> {
      assertThat(f.ops.running).as("threads of steps").hasValue(0);
      assertThat(f.solver.steps()).isEqualTo(new StepFigures(2, 0, 0, 0));
    });
    assertThat(f.build(f.ops.vertex("next")).result()).isPresent();
  }

  @Test
  void workBesideStepsEndsWithTheGraph() throws Exception {
    SolverFixture f = start(OptionalInt.empty());
    var begun = new CountDownLatch(1);
    var interrupted = new CountDownLatch(1);
    var task =
        f.solver.beside(
            "container",
            () -> {
              begun.countDown();
              try {
                return new CountDownLatch(1).await(1, TimeUnit.HOURS);
              } finally {
                interrupted.countDown();
              }
            });
    begun.await();
    assertThat(f.solver.steps().beside()).isEqualTo(1);
    end(f, "solver/graph");
    assertThatThrownBy(() -> SolverFixture.get(task.done())).isInstanceOf(BuildException.class);
    assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(SolverFixture.get(f.solver.beside("next", () -> "done").done())).isEqualTo("done");
  }

  @Test
  void workBesideStepsIsInterruptedWhenItIsGivenUp() throws Exception {
    SolverFixture f = start(OptionalInt.of(1));
    var begun = new CountDownLatch(1);
    var task =
        f.solver.beside(
            "container",
            () -> {
              begun.countDown();
              return new CountDownLatch(1).await(1, TimeUnit.HOURS);
            });
    begun.await();
    assertThat(f.build(f.ops.vertex("step")).result()).as("it takes no slot").isPresent();
    task.interrupt();
    assertThatThrownBy(() -> SolverFixture.get(task.done()))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CANCELED));
  }

  @Test
  void endOfAVertexEndsItsBuildsAndIsMadeAnewForTheNext() throws Exception {
    SolverFixture f = start(OptionalInt.empty());
    CountDownLatch gate = new CountDownLatch(1);
    FakeOps.Fake a = f.ops.vertex("a").gated(gate);
    FakeOps.Fake b = f.ops.vertex("b", a);
    FakeOps.Fake other = f.ops.vertex("other").gated(gate);
    try (Job one = f.job();
        Job two = f.job()) {
      Solve lost = one.solve(b.graph(), List.of());
      Solve apart = two.solve(other.graph(), List.of());
      a.runStarted.await();
      other.runStarted.await();
      end(f, "solver/graph/vertex-" + a.digest().hex().substring(0, 12) + "-*");
      assertThatThrownBy(() -> SolverFixture.get(lost))
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INTERNAL))
          .hasMessageContaining("the solver failed at a");
      Solve again = two.solve(b.graph(), List.of()); // while the job of the lost one is still open
      gate.countDown();
      assertThat(SolverFixture.get(again).result()).isPresent();
      assertThat(SolverFixture.get(apart).result()).isPresent();
    }
  }

  @Test
  void errorsOfAnOpAreItsOwn() throws Exception {
    SolverFixture f = start(OptionalInt.empty());
    FakeOps.Fake deep = f.ops.vertex("deep");
    deep.pure = true; // on the actor's own thread
    deep.mapError = Optional.of(new StackOverflowError());
    assertFails(f, deep, Kind.EXHAUSTED, "nested too deeply");
    FakeOps.Fake large = f.ops.vertex("large");
    large.runError = Optional.of(new OutOfMemoryError("Java heap space"));
    assertFails(f, large, Kind.EXHAUSTED, "out of memory");
    FakeOps.Fake odd = f.ops.vertex("odd");
    odd.pure = true;
    odd.mapError = Optional.of(new NoClassDefFoundError("gone"));
    assertFails(f, odd, Kind.INTERNAL, "gone");
    assertThat(f.build(f.ops.vertex("next")).result()).isPresent();
  }

  private static void assertFails(SolverFixture f, FakeOps.Fake op, Kind kind, String text) {
    assertThatThrownBy(() -> f.build(op))
        .isInstanceOfSatisfying(BuildException.class, e -> assertThat(e.kind()).isEqualTo(kind))
        .hasMessageContaining(text);
  }

  /** Without the guard this ends the JVM of the tests. */
  @Test
  void errorOfOneMessageStopsOneActor() throws Exception {
    SolverFixture f = start(OptionalInt.empty());
    Behavior<String> child =
        Guarded.behavior(
            String.class,
            Behaviors.receiveMessage(message -> {
              throw new OutOfMemoryError(message);
            }));
    TestProbe<String> probe = f.kit.createTestProbe();
    f.kit.spawn(
        Behaviors.<String>setup(context -> {
          var ref = context.spawn(child, "child");
          context.watch(ref);
          ref.tell("too much");
          return Behaviors.receive(String.class)
              .onSignal(
                  ChildFailed.class,
                  failed -> {
                    probe.tell(String.valueOf(failed.getCause().getCause()));
                    return Behaviors.stopped();
                  })
              .build();
        }));
    assertThat(probe.receiveMessage(java.time.Duration.ofSeconds(10))).contains("too much");
  }

  @Test
  void storeThatThrowsLeavesTheBuildWithWhatIsInMemory() throws Exception {
    SolverFixture f = start(OptionalInt.empty());
    f.store.failure = Optional.of(new IllegalStateException("no disk"));
    try (Job job = f.job()) {
      FakeOps.Fake a = f.ops.vertex("a");
      assertThat(
              job.solve(a.graph(), List.of())
                  .done()
                  .toCompletableFuture()
                  .get(10, TimeUnit.SECONDS)
                  .result())
          .isPresent();
    }
    f.store.failure = Optional.empty();
    assertThat(f.build(f.ops.vertex("b")).result()).isPresent();
  }
}
