package dev.kiln.actors;

import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.KeyDigest;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * The calls of one vertex's runner, each with its progress events and its span; the names of those
 * for the cache are BuildKit's (v0.22.0, {@code solver/jobs.go}). Methods that start a task may be
 * called on a dispatcher thread.
 */
final class OpSteps {
  private final VertexScope scope;
  private final VertexContext context;
  private final OpRunner runner;
  private final String shortName;

  OpSteps(VertexScope scope, VertexContext context, OpRunner runner) {
    this.scope = scope;
    this.context = context;
    this.runner = runner;
    this.shortName = scope.vertex().digest().hex().substring(0, 12);
  }

  OpRunner runner() {
    return runner;
  }

  /** What a run gave, and when it began and ended; its end is shown once it is safe. */
  record Ran(List<Optional<ResultId>> outputs, Instant started, Instant ended) {}

  /**
   * What a load gave.
   *
   * @param earlier results of steps before this one that came along
   */
  record Loaded(Optional<ResultId> result, List<Earlier> earlier, Instant started, Instant ended) {}

  /** The result of a key of an input. */
  record Earlier(CacheKey key, ResultId result, Instant createdAt) {}

  /** The cache map, computed at once; only where {@link OpRunner#cacheMapIsPure}. */
  CacheMap cacheMapNow(int index) throws Exception {
    return scope
        .trace()
        .part(
            "cache request",
            scope.vertex().inputs().isEmpty(),
            () ->
                scope.vertex().inputs().isEmpty()
                    ? shownCacheMap(index)
                    : runner.cacheMap(index, context));
  }

  Blocking.Task<CacheMap> cacheMap(int index) {
    return Blocking.start("key-" + shortName, () -> cacheMapNow(index));
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

  Blocking.Task<Optional<KeyDigest>> content(
      int input, Optional<ResultId> result, CacheMap.Dep dep) {
    return Blocking.start(
        "content-" + shortName,
        () ->
            scope
                .trace()
                .part("content of input " + input, false, () -> contentNow(input, result, dep)));
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

  Blocking.Task<Loaded> load(EdgeState.Candidate candidate) {
    return Blocking.start(
        "load-" + shortName,
        () ->
            scope
                .trace()
                .part(
                    "load cache",
                    true,
                    () -> {
                      Instant started = scope.progress().started(true);
                      try {
                        Optional<ResultId> result =
                            candidate
                                .found()
                                .table()
                                .loader()
                                .load(candidate.found().record(), context);
                        return new Loaded(result, earlier(candidate), started, Instant.now());
                      } catch (Throwable e) {
                        // Not the user's failure: another record or the op itself takes its place.
                        scope.progress().completed(true, started, Instant.now(), "");
                        throw e;
                      }
                    }));
  }

  /** What a loaded record of an imported cache has brought of its inputs, and of theirs. */
  private List<Earlier> earlier(EdgeState.Candidate candidate)
      throws IOException, InterruptedException {
    CacheTable table = candidate.found().table();
    if (table.id().equals(CacheIndex.LOCAL)) {
      return List.of();
    }
    var found = new ArrayList<Earlier>();
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
                .ifPresent(result -> found.add(new Earlier(dep.key(), result, record.createdAt())));
          }
        }
      }
    }
    return List.copyOf(found);
  }

  Blocking.Task<Ran> run(List<Optional<ResultId>> inputs) {
    Callable<Ran> work =
        () ->
            scope
                .trace()
                .part(
                    "run",
                    true,
                    () -> {
                      Instant started = scope.progress().started(false);
                      try {
                        List<Optional<ResultId>> outputs = runner.run(inputs, context);
                        return new Ran(List.copyOf(outputs), started, Instant.now());
                      } catch (Throwable e) {
                        scope.progress().completed(false, started, Instant.now(), text(e));
                        throw e;
                      }
                    });
    return runner.runsOnPlatformThread()
        ? Blocking.onPlatform("run-" + shortName, work)
        : Blocking.start("run-" + shortName, work);
  }

  private static String text(Throwable e) {
    return BuildException.of(e).getMessage();
  }

  /** A failure of this vertex as its waiters see it (features V-72 to V-74). */
  BuildException failure(Throwable cause, String step) {
    BuildException failure = BuildException.of(cause);
    if (!step.isEmpty()) {
      failure = failure.wrap(step);
    }
    return withVertex(failure, scope);
  }

  /** An input could not be keyed by its content: a debugger is given the input (V-74). */
  BuildException contentFailure(Throwable cause, int input, Optional<ResultId> result) {
    BuildException failure = BuildException.of(cause).wrap("failed to compute cache key");
    var vertex = scope.vertex();
    return failure
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
