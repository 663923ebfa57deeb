package dev.kiln.actors;

import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.KeyDigest;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes the calls of one vertex's op, each with its progress events and its span; the names of
 * those for the cache are BuildKit's (v0.22.0, {@code solver/jobs.go}). Blocks on the calling
 * thread; an interrupt cancels. Any thread.
 */
final class OpSteps implements ActiveOps.Op {
  private final VertexScope scope;
  private final VertexContext context;
  private final OpRunner runner;

  OpSteps(VertexScope scope, VertexContext context, OpRunner runner) {
    this.scope = scope;
    this.context = context;
    this.runner = runner;
  }

  /** How a call is to be made. */
  enum Way {
    /** It only computes: on the caller's thread. */
    AT_ONCE,
    /** It waits, for a network or the JVM's own files: on a virtual thread. */
    WAITING,
    /** It waits in system calls: on a platform thread. */
    BLOCKING
  }

  Way way(OpCall call) {
    return switch (call) {
      case OpCall.Map _ when runner.cacheMapIsPure() -> Way.AT_ONCE;
      case OpCall.Run _ when runner.runsOnPlatformThread() -> Way.BLOCKING;
      default -> Way.WAITING;
    };
  }

  /** What the thread of the call is named. */
  String name(OpCall call) {
    return switch (call) {
          case OpCall.Map _ -> "key-";
          case OpCall.Content _ -> "content-";
          case OpCall.Load _ -> "load-";
          case OpCall.Run _ -> "run-";
        }
        + scope.vertex().digest().hex().substring(0, 12);
  }

  /** Whether the call counts against {@code max-parallelism} (features V-11). */
  boolean needsSlot(OpCall call) {
    return call instanceof OpCall.Run && runner.needsPermit();
  }

  @Override
  public OpEnd make(OpCall call, Duration queued) {
    try {
      scope.trace().queued(queued);
      return switch (call) {
        case OpCall.Map(var index) -> new OpEnd.Mapped(cacheMap(index));
        case OpCall.Content(var input, var result, var dep) ->
            new OpEnd.Keyed(content(input, result, dep).map(CacheKey::content));
        case OpCall.Load(_, var candidate) -> load(candidate);
        case OpCall.Run(var inputs) -> run(inputs);
      };
    } catch (Throwable e) { // whatever ends the call is its end, or its waiters would wait for ever
      return new OpEnd.Failed(failure(call, BuildException.of(e)));
    }
  }

  /** The failure as the op's waiters see it (features V-72 to V-74). */
  private BuildException failure(OpCall call, BuildException cause) {
    return switch (call) {
      case OpCall.Map _ -> withVertex(cause.wrap("failed to load cache key"), scope);
      case OpCall.Content(var input, var result, _) -> contentFailure(cause, input, result);
      case OpCall.Load _ -> cause;
      case OpCall.Run _ -> withVertex(cause, scope);
    };
  }

  private CacheMap cacheMap(int index) throws Exception {
    boolean isRoot = scope.vertex().inputs().isEmpty();
    return scope
        .trace()
        .part(
            "cache request",
            isRoot,
            () -> isRoot ? shownCacheMap(index) : runner.cacheMap(index, context));
  }

  /** A root's key is work that the user sees: it may ask a registry or a repository. */
  private CacheMap shownCacheMap(int index) throws Exception {
    Instant started = scope.progress().started(false);
    try {
      CacheMap map = runner.cacheMap(index, context);
      scope.progress().completed(false, started, Instant.now(), "");
      return map;
    } catch (Throwable e) {
      scope.progress().completed(false, started, Instant.now(), text(e));
      throw e;
    }
  }

  private Optional<KeyDigest> content(int input, Optional<ResultId> result, CacheMap.Dep dep)
      throws Exception {
    return scope
        .trace()
        .part("content of input " + input, false, () -> contentNow(input, result, dep));
  }

  private Optional<KeyDigest> contentNow(int input, Optional<ResultId> result, CacheMap.Dep dep)
      throws Exception {
    try {
      if (dep.prepares()) {
        VertexContext atInput =
            scope.input(input).map(i -> context.reportingTo(i.progress())).orElse(context);
        runner.prepare(input, result, atInput);
      }
      return dep.hasContentKey()
          ? runner.contentKey(input, result, context)
          : Optional.<KeyDigest>empty();
    } catch (Throwable e) {
      Instant started = scope.progress().started(false);
      scope.progress().completed(false, started, Instant.now(), text(e));
      throw e;
    }
  }

  private OpEnd.Loaded load(EdgeState.Candidate candidate) throws Exception {
    return scope.trace().part("load cache", true, () -> loadNow(candidate));
  }

  private OpEnd.Loaded loadNow(EdgeState.Candidate candidate) throws Exception {
    Instant started = scope.progress().started(true);
    try {
      CacheKey.Found found = candidate.found();
      Optional<ResultId> result = found.table().loader().load(found.record(), context);
      return new OpEnd.Loaded(result, earlier(candidate), started, Instant.now());
    } catch (Throwable e) {
      // Not the user's failure: another record or the op itself takes its place.
      scope.progress().completed(true, started, Instant.now(), "");
      throw e;
    }
  }

  /** What a loaded record of an imported cache has brought of its inputs, and of theirs. */
  private List<OpEnd.Earlier> earlier(EdgeState.Candidate candidate)
      throws IOException, InterruptedException {
    CacheTable table = candidate.found().table();
    if (table.id().equals(CacheIndex.LOCAL)) {
      return List.of();
    }
    var found = new ArrayList<OpEnd.Earlier>();
    var seen = new HashSet<CacheKey>();
    var queue = new ArrayDeque<CacheKey>(List.of(candidate.key()));
    while (!queue.isEmpty()) {
      for (List<CacheKey.Dep> alternatives : queue.poll().deps()) {
        for (CacheKey.Dep dep : alternatives) {
          if (!seen.add(dep.key())) {
            continue;
          }
          queue.add(dep.key());
          for (CacheRecord record : table.idOf(dep.key()).map(table::records).orElse(List.of())) {
            table
                .loader()
                .within(candidate.found().record(), record, context)
                .ifPresent(
                    result -> found.add(new OpEnd.Earlier(dep.key(), result, record.createdAt())));
          }
        }
      }
    }
    return List.copyOf(found);
  }

  private OpEnd.Ran run(List<Optional<ResultId>> inputs) throws Exception {
    return scope.trace().part("run", true, () -> runNow(inputs));
  }

  private OpEnd.Ran runNow(List<Optional<ResultId>> inputs) throws Exception {
    Instant started = scope.progress().started(false);
    try {
      List<Optional<ResultId>> outputs = runner.run(inputs, context);
      return new OpEnd.Ran(List.copyOf(outputs), started, Instant.now());
    } catch (Throwable e) {
      scope.progress().completed(false, started, Instant.now(), text(e));
      throw e;
    }
  }

  private static String text(Throwable e) {
    return BuildException.of(e).getMessage();
  }

  /** An input could not be keyed by its content: a debugger is given the input (V-74). */
  private BuildException contentFailure(
      BuildException cause, int input, Optional<ResultId> result) {
    var vertex = scope.vertex();
    return cause
        .wrap("failed to compute cache key")
        .with(
            new Detail.SolveFailed(
                List.of(result.map(ResultId::value).orElse("")),
                List.of(),
                vertex.opBytes(),
                -1,
                input,
                vertex.options().description()))
        .with(new Detail.VertexFailed(vertex.sentDigest()));
  }

  /** A failure with the vertex that it is of, and with its op where none is named yet. */
  static BuildException withVertex(BuildException failure, VertexScope scope) {
    var vertex = scope.vertex();
    boolean told = failure.details().stream().anyMatch(d -> d instanceof Detail.SolveFailed);
    BuildException full = failure;
    if (!told && failure.kind() != Kind.CANCELED) {
      full =
          full.with(
              new Detail.SolveFailed(
                  List.of(),
                  List.of(),
                  vertex.opBytes(),
                  -1,
                  -1,
                  Map.copyOf(vertex.options().description())));
    }
    return full.with(new Detail.VertexFailed(vertex.sentDigest()));
  }
}
