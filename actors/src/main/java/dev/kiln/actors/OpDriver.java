package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import dev.kiln.actors.EdgeState.Done;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The op of one vertex: carries out what {@link SharedOp} decides. It hands the op's calls to the
 * pool, and what they gave to the cache, the progress and the trace. On its actor's thread alone.
 */
final class OpDriver {
  /** The edges of the vertex, and what is to be decided next. */
  interface Cells {
    EdgeState state(int output);

    void decide(int output, EdgeEvent event);

    void decideAll(EdgeEvent event);

    void decide(SharedOp.Event event);
  }

  /** The status line of a step that waits for a slot. */
  private static final String QUEUE = "waiting for a slot";

  private static final Logger LOG = LoggerFactory.getLogger(OpDriver.class);

  private final VertexActor.Env env;
  private final VertexScope scope;
  private final VertexContext context;
  private final Supplier<ActorRef<StepNews>> adapter;
  private final Cells cells;
  private final long number = VertexActor.newInterest();
  private SharedOp state = SharedOp.NEW;
  private Optional<OpSteps> steps = Optional.empty();
  private Optional<ActorRef<StepNews>> news = Optional.empty();

  /**
   * @param adapter makes the reference by which the actor hears of the pool
   */
  OpDriver(
      VertexActor.Env env,
      VertexScope scope,
      VertexContext context,
      Supplier<ActorRef<StepNews>> adapter,
      Cells cells) {
    this.env = env;
    this.scope = scope;
    this.context = context;
    this.adapter = adapter;
    this.cells = cells;
  }

  SharedOp state() {
    return state;
  }

  /** Gives up all calls. */
  void close() {
    state.calls().values().forEach(call -> cancel(call.number()));
    env.ops().remove(number);
  }

  void on(SharedOp.Event event) {
    SharedOp.Step step = state.on(event);
    state = step.next();
    step.effects().forEach(this::carryOut);
  }

  private void carryOut(SharedOp.Effect effect) {
    switch (effect) {
      case SharedOp.Start(var tried, var call) -> start(tried, call);
      case SharedOp.Cancel(var tried) -> cancel(tried);
      case SharedOp.Tell(var output, var event) -> cells.decide(output, event);
      case SharedOp.Learned(var map) -> scope.options().putAll(map.opts());
      case SharedOp.Complete(var output, var ran) -> complete(output, ran);
      case SharedOp.Finish(var ran) -> {
        scope.trace().completed(false);
        shownWhenSafe(false, ran.started(), ran.ended());
      }
      case SharedOp.Take(var output, var candidate, var loaded) -> take(output, candidate, loaded);
      case SharedOp.Lost(var output, var candidate, var cause) -> lost(output, candidate, cause);
      case SharedOp.Fail(var cause) -> {
        scope.trace().failed(cause);
        cells.decideAll(new EdgeEvent.Failed(cause));
      }
    }
  }

  // --- calls

  private void start(long tried, OpCall call) {
    OpSteps made;
    try {
      made = steps();
    } catch (RuntimeException | Error e) { // of this vertex, whose op it is
      BuildException why = OpSteps.withVertex(BuildException.of(e), scope);
      cells.decide(new SharedOp.Ended(tried, new OpEnd.Failed(why)));
      return;
    }
    OpSteps.Way way = made.way(call);
    if (way == OpSteps.Way.AT_ONCE) {
      cells.decide(new SharedOp.Ended(tried, made.make(call, Duration.ZERO)));
      return;
    }
    if (news.isEmpty()) {
      news = Optional.of(adapter.get());
    }
    env.pool()
        .tell(
            new StepPool.Submit(
                attempt(tried),
                made.name(call),
                call,
                way,
                made.needsSlot(call),
                context.jobIds(),
                news.get()));
  }

  private OpSteps steps() {
    if (steps.isEmpty()) {
      var made = new OpSteps(scope, context, env.runners().runner(scope.vertex()));
      steps = Optional.of(made);
      env.ops().add(number, made);
    }
    return steps.get();
  }

  private Attempt attempt(long tried) {
    return new Attempt(number, tried);
  }

  private void cancel(long tried) {
    env.pool().tell(new StepPool.Cancel(attempt(tried)));
  }

  /** The pool is to know which builds wait for what is under way. */
  void tellBuilds() {
    for (SharedOp.Call call : state.calls().values()) {
      env.pool().tell(new StepPool.Builds(attempt(call.number()), context.jobIds()));
    }
  }

  void onNews(StepNews of) {
    switch (of) {
      case StepNews.Ended(var attempt, var end) ->
          cells.decide(new SharedOp.Ended(attempt.number(), end));
      case StepNews.Waits(_, var place, var count, var since) ->
          scope
              .progress()
              .status(
                  QUEUE,
                  QUEUE + ", " + place + " of " + count,
                  0,
                  0,
                  Optional.of(since),
                  Optional.empty());
      case StepNews.Begins(_, var since, var at) ->
          scope.progress().status(QUEUE, QUEUE, 0, 0, Optional.of(since), Optional.of(at));
    }
  }

  // --- what they gave

  private void take(int output, EdgeState.Candidate candidate, OpEnd.Loaded loaded) {
    CacheKey key = candidate.key();
    CacheKey.Found found = candidate.found();
    if (found.table() == env.index().local()) {
      key.export(
          new CacheKey.Export(key.export().vertex(), key.export().exportCache(), List.of(found)));
    } else {
      env.index().save(key, loaded.result(), found.record().createdAt());
      loaded
          .earlier()
          .forEach(e -> env.index().save(e.key(), Optional.of(e.result()), e.createdAt()));
    }
    scope.completedFromCache();
    shownWhenSafe(true, loaded.started(), loaded.ended());
    cells.decide(output, new EdgeEvent.Completed(new Done(loaded.result(), List.of(key))));
  }

  private void lost(int output, EdgeState.Candidate candidate, BuildException why) {
    CacheKey.Found found = candidate.found();
    LOG.debug("{}: record {} not loaded", scope.vertex(), found.record().id(), why);
    if (why.kind() == Kind.NOT_FOUND && found.table() == env.index().local()) {
      env.index().local().drop(found.record().id());
      env.index().flush();
    }
    cells.decide(output, new EdgeEvent.LoadFailed(found));
  }

  private void complete(int output, OpEnd.Ran ran) {
    if (output >= ran.outputs().size()) {
      cells.decide(output, new EdgeEvent.Failed(missing(output, ran.outputs().size())));
      return;
    }
    Optional<ResultId> result = ran.outputs().get(output);
    List<CacheKey> keys = Claims.resultKeys(scope, output, cells.state(output), state.maps());
    keys.forEach(key -> env.index().save(key, result, ran.ended()));
    cells.decide(output, new EdgeEvent.Completed(new Done(result, keys)));
  }

  private BuildException missing(int output, int outputs) {
    return OpSteps.withVertex(
        new BuildException(
            Kind.INTERNAL,
            "invalid response from exec need "
                + output
                + " index but "
                + outputs
                + " results received"),
        scope);
  }

  private void shownWhenSafe(boolean cached, Instant started, Instant ended) {
    env.index().flushThen(() -> scope.progress().completed(cached, started, ended, ""));
  }
}
