package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Props;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The solver as the rest of the daemon uses it: jobs are opened here, and their progress is found
 * here by their ids. Any thread; lives as long as the actor system.
 */
public final class Solver implements StepWorkers {
  /** How long an ended job is still found (features V-10). */
  private static final Duration LINGER = Duration.ofSeconds(10);

  private final ActorSystem<?> system;
  private final SolverPorts ports;
  private final SolverOptions options;
  private final CacheIndex index;
  private final ActorRef<VertexGraph.Command> graph;
  private final ActiveOps ops;
  private final AtomicReference<StepFigures> figures;
  private final AtomicLong logNumbers = new AtomicLong();
  private final Map<String, Job> jobs = new HashMap<>();
  private final Map<String, ProgressLog> ended = new HashMap<>();
  private final Map<String, List<CompletableFuture<ProgressLog>>> waiting = new HashMap<>();

  private Solver(
      ActorSystem<?> system,
      SolverPorts ports,
      SolverOptions options,
      CacheIndex index,
      ActorRef<VertexGraph.Command> graph,
      ActiveOps ops,
      AtomicReference<StepFigures> figures) {
    this.system = system;
    this.ports = ports;
    this.options = options;
    this.index = index;
    this.graph = graph;
    this.ops = ops;
    this.figures = figures;
  }

  /** Reads the cache store, which blocks, and starts the actors. */
  public static Solver start(ActorSystem<?> system, SolverPorts ports, SolverOptions options) {
    var index = new CacheIndex(ports.cache(), ports.results());
    var ops = new ActiveOps();
    var figures = new AtomicReference<>(new StepFigures(options.limits().slots(), 0, 0, 0));
    ActorRef<VertexGraph.Command> graph =
        system.systemActorOf(
            SolverGuardian.create(
                new VertexGraph.Env(
                    ports, options.logLimits(), index, options.limits(), ops, figures::set)),
            "solver",
            Props.empty());
    return new Solver(system, ports, options, index, graph, ops, figures);
  }

  /**
   * Opens a job; the caller closes it.
   *
   * @throws BuildException {@code ALREADY_EXISTS} while a job of that id is open
   */
  public Job open(JobSpec spec) {
    List<CompletableFuture<ProgressLog>> watchers;
    Job job;
    synchronized (jobs) {
      if (jobs.containsKey(spec.id())) {
        throw new BuildException(Kind.ALREADY_EXISTS, "job ID " + spec.id() + " exists");
      }
      var progress =
          new ProgressLog(
              ports.codec(),
              options.progressFolder().resolve("job-" + logNumbers.incrementAndGet() + ".log"));
      var scope =
          new JobScope(
              spec.id(),
              spec.sessionId(),
              spec.rules(),
              progress,
              new JobTrace(ports.tracer(), spec.parent()));
      job =
          new Job(
              scope,
              ports.leases().open("job-" + spec.id()),
              new Solves(graph),
              ports.codec(),
              options.logLimits(),
              () -> closed(spec.id()));
      jobs.put(spec.id(), job);
      watchers = Optional.ofNullable(waiting.remove(spec.id())).orElse(List.of());
    }
    watchers.forEach(w -> w.complete(job.progress()));
    return job;
  }

  /** The open job of that id. */
  public Optional<Job> job(String id) {
    synchronized (jobs) {
      return Optional.ofNullable(jobs.get(id));
    }
  }

  /**
   * What the watchers of a job see, also for some seconds after its end. Fails with {@code
   * NOT_FOUND} where no such job comes within {@code wait}.
   */
  public CompletionStage<ProgressLog> progress(String job, Duration wait) {
    var found = new CompletableFuture<ProgressLog>();
    synchronized (jobs) {
      Job open = jobs.get(job);
      ProgressLog log = open != null ? open.progress() : ended.get(job);
      if (log != null) {
        found.complete(log);
        return found;
      }
      waiting.computeIfAbsent(job, id -> new ArrayList<>()).add(found);
    }
    system
        .scheduler()
        .scheduleOnce(
            wait,
            () -> {
              synchronized (jobs) {
                List<CompletableFuture<ProgressLog>> list = waiting.get(job);
                if (list != null) {
                  list.remove(found);
                  if (list.isEmpty()) {
                    waiting.remove(job);
                  }
                }
              }
              found.completeExceptionally(new BuildException(Kind.NOT_FOUND, "no such job " + job));
            },
            system.executionContext());
    return found;
  }

  @Override
  public <T> Blocking.Task<T> beside(String name, Callable<T> work) {
    var promise = new CompletableFuture<T>();
    Callable<T> traced = io.opentelemetry.context.Context.current().wrap(work);
    long op = VertexActor.newInterest();
    ops.add(
        op,
        (call, queued) -> {
          try {
            promise.complete(traced.call());
          } catch (Throwable e) { // whatever ends the work ends the task
            promise.completeExceptionally(e);
          }
          return new OpEnd.Ran(
              List.of(), Instant.now(), Instant.now()); // the promise has its value
        });
    graph.tell(new VertexGraph.Beside(op, name, promise));
    return new Blocking.Task<>(promise, () -> graph.tell(new VertexGraph.StopBeside(op)));
  }

  /** How many steps run and wait now. */
  public StepFigures steps() {
    return Objects.requireNonNull(figures.get());
  }

  /** Tells that results were collected: their records are forgotten (features V-36). */
  public void dropped(Collection<ResultId> results) {
    results.forEach(result -> index.local().drop(result.value()));
    index.flush();
  }

  /** The local cache's key graph, for a cache export. */
  public CacheTable localCache() {
    return index.local();
  }

  private void closed(String id) {
    ProgressLog log;
    synchronized (jobs) {
      Job job = jobs.remove(id);
      if (job == null) {
        return;
      }
      log = job.progress();
      ended.put(id, log);
    }
    system
        .scheduler()
        .scheduleOnce(
            LINGER,
            () -> {
              synchronized (jobs) {
                ended.remove(id, log);
              }
              Blocking.start(
                  "delete-progress",
                  () -> {
                    log.delete();
                    return true;
                  });
            },
            system.executionContext());
  }
}
