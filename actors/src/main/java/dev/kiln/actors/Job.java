package dev.kiln.actors;

import dev.kiln.llb.Graph;
import dev.kiln.model.BuildException;
import dev.kiln.model.Progress;
import dev.kiln.model.StepProgress;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One build as the rest of the daemon sees it: it solves graphs, shows what else the build does as
 * steps, and holds results until it is closed. Any thread; who opened it closes it.
 */
public final class Job implements AutoCloseable {
  private final JobScope scope;
  private final ResultLease lease;
  private final Solves solves;
  private final ProgressCodec codec;
  private final LogLimits logLimits;
  private final Runnable whenClosed;
  private final AtomicBoolean closed = new AtomicBoolean();

  Job(
      JobScope scope,
      ResultLease lease,
      Solves solves,
      ProgressCodec codec,
      LogLimits logLimits,
      Runnable whenClosed) {
    this.scope = scope;
    this.lease = lease;
    this.solves = solves;
    this.codec = codec;
    this.logLimits = logLimits;
    this.whenClosed = whenClosed;
  }

  /** Work that is shown as a vertex of its own. */
  @FunctionalInterface
  public interface Step<T> {
    T run(StepProgress progress) throws Exception;
  }

  public String id() {
    return scope.id();
  }

  /** The session that serves the build, empty for none. */
  public String sessionId() {
    return scope.sessionId();
  }

  /** Held until the job closes, for what is made beside the graph. */
  public ResultLease lease() {
    return lease;
  }

  /** What the job's watchers see. */
  public ProgressLog progress() {
    return scope.progress();
  }

  /**
   * Builds the root of {@code graph}.
   *
   * @param imports imported caches to look into, beside the local one
   */
  public Solve solve(Graph graph, List<CacheTable> imports) {
    return solves.start(graph, scope, imports);
  }

  /**
   * Runs {@code work} on this thread and shows it (features V-59).
   *
   * @param id equal for the same work; the vertex's digest is made from it
   */
  public <T> T step(String id, String name, Step<T> work) throws InterruptedException {
    VertexProgress progress =
        VertexProgress.synthetic(codec, logLimits, id, name, scope.progress());
    Instant started = progress.started(false);
    try {
      T value = scope.trace().step(id, name, () -> work.run(progress));
      progress.completed(false, started, Instant.now(), "");
      return value;
    } catch (InterruptedException e) {
      progress.completed(false, started, Instant.now(), "context canceled");
      throw e;
    } catch (Exception e) {
      BuildException failure = BuildException.of(e);
      progress.completed(false, started, Instant.now(), failure.getMessage());
      throw failure;
    }
  }

  /** Shows the user a warning at its vertex. */
  public void warn(Progress.Warning warning) {
    scope.progress().append(List.of(warning));
  }

  /**
   * Ends the job: gives up its solves, lets go of its results and ends its progress, each whatever
   * became of the others. Does not block or fail; idempotent.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      Parts.endAll(
          this,
          scope.trace()::close,
          scope.progress()::end,
          () -> solves.graph().tell(new VertexGraph.Leave(scope)),
          lease::close,
          whenClosed);
    }
  }

  @Override
  public String toString() {
    return "Job[" + id() + "]";
  }
}
