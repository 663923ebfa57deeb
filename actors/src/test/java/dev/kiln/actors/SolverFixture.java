package dev.kiln.actors;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.stream.javadsl.Sink;
import dev.kiln.llb.BuildRules;
import dev.kiln.model.BuildException;
import dev.kiln.model.Progress;
import dev.kiln.tracing.Tracing;
import io.opentelemetry.context.Context;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** A solver on fakes; a test closes it. */
final class SolverFixture implements AutoCloseable {
  final ActorTestKit kit = ActorTestKit.create();
  final FakeOps ops = new FakeOps();
  final FakeOps.Results results = new FakeOps.Results();
  final MemoryStore store = new MemoryStore();
  final AtomicInteger openLeases = new AtomicInteger();
  final Tracing tracing = Tracing.start(Map.of());
  final Solver solver;
  volatile Optional<RuntimeException> codecFailure = Optional.empty();
  volatile Optional<RuntimeException> leaseFailure = Optional.empty();
  private final Map<Integer, Progress> events = new ConcurrentHashMap<>();
  private final AtomicInteger eventNumbers = new AtomicInteger();
  private int jobs;

  SolverFixture(Path folder) {
    this(folder, OptionalInt.empty(), new MemoryStore());
  }

  SolverFixture(Path folder, OptionalInt parallel, MemoryStore from) {
    store.contents.addAll(from.contents);
    solver =
        Solver.start(
            kit.system(),
            new SolverPorts(
                ops, store, results, name -> new CountedLease(), this::encode, tracing.tracer()),
            new SolverOptions(StepLimits.of(parallel, () -> 0), folder, LogLimits.DEFAULT));
  }

  /** Events by number, so that a watcher's bytes can be read back. */
  private byte[] encode(List<Progress> all) {
    if (codecFailure.isPresent()) {
      throw codecFailure.get();
    }
    var text = new StringBuilder();
    for (Progress event : all) {
      int number = eventNumbers.incrementAndGet();
      events.put(number, event);
      text.append(number).append('\n');
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private final class CountedLease implements ResultLease {
    private boolean open = true;

    CountedLease() {
      leaseFailure.ifPresent(e -> {
        throw e;
      });
      openLeases.incrementAndGet();
    }

    @Override
    public void hold(ResultId result) {}

    @Override
    public synchronized void close() {
      if (open) {
        open = false;
        openLeases.decrementAndGet();
      }
      leaseFailure.ifPresent(e -> {
        throw e;
      });
    }
  }

  static final class MemoryStore implements CacheStore {
    final List<Change> contents = new ArrayList<>();
    volatile Optional<RuntimeException> failure = Optional.empty();

    @Override
    public synchronized Contents read() {
      return new Contents(
          contents.stream().filter(AddLink.class::isInstance).map(AddLink.class::cast).toList(),
          contents.stream()
              .filter(AddResult.class::isInstance)
              .map(AddResult.class::cast)
              .filter(r -> !contents.contains(new DropResult(r.record().id())))
              .toList());
    }

    @Override
    public synchronized CompletionStage<Void> write(List<Change> changes) {
      if (failure.isPresent()) {
        throw failure.get();
      }
      contents.addAll(changes);
      return CompletableFuture.runAsync(() -> {});
    }
  }

  Job job() {
    return job("job-" + ++jobs, "");
  }

  Job job(String id, String session) {
    return job(id, session, BuildRules.NONE);
  }

  Job job(String id, String session, BuildRules rules) {
    return solver.open(new JobSpec(id, session, rules, Context.root()));
  }

  /** Waits for what actors do behind an answer. */
  void eventually(Runnable assertion) {
    eventually(kit.createTestProbe(), assertion);
  }

  static void eventually(TestProbe<?> by, Runnable assertion) {
    by.awaitAssert(() -> {
      assertion.run();
      return true;
    });
  }

  /** Solves in a job of its own, which is closed again. */
  SolvedEdge build(FakeOps.Fake root) throws Exception {
    try (Job job = job()) {
      return get(job.solve(root.graph(), List.of()));
    }
  }

  static SolvedEdge get(Solve solve) throws Exception {
    return get(solve.done());
  }

  static <T> T get(CompletionStage<T> stage) throws Exception {
    try {
      return stage.toCompletableFuture().get(10, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw BuildException.of(e);
    } catch (TimeoutException e) {
      throw new AssertionError("the solver does not answer", e);
    }
  }

  /** Everything that a watcher of an ended job sees. */
  List<Progress> watched(ProgressLog log) throws Exception {
    var all = new ArrayList<Progress>();
    var chunks = get(log.watch().runWith(Sink.seq(), kit.system()));
    for (var chunk : chunks) {
      for (String line : chunk.utf8String().lines().toList()) {
        all.add(java.util.Objects.requireNonNull(events.get(Integer.valueOf(line))));
      }
    }
    return all;
  }

  @Override
  public void close() {
    kit.shutdownTestKit();
    tracing.close();
  }
}
