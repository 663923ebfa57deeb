package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import dev.kiln.actors.EdgeState.Content;
import dev.kiln.actors.EdgeState.Done;
import dev.kiln.actors.EdgeState.Work;
import dev.kiln.llb.Edge;
import dev.kiln.model.BuildException;
import dev.kiln.model.KeyDigest;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One vertex of the shared graph: it owns its edges and the one op that they share, and nobody else
 * starts the op's runner. Edges decide ({@link Edges}); this carries their effects out and counts
 * who wants what. Interests are messages: {@link Want} raises or lowers one, {@link Release} ends
 * it, and {@link EdgeUpdate}s answer. Only the graph stops a vertex.
 */
final class VertexActor extends AbstractOnMessageBehavior<VertexActor.Command> {
  sealed interface Command
      permits EdgeUpdate,
          Want,
          Release,
          Granted,
          Merged,
          Stop,
          PermitGranted,
          MapEnded,
          ContentEnded,
          LoadEnded,
          RunEnded {}

  /** Wants an edge up to a level; the same number again changes the level. */
  record Want(long interest, int output, Level level, ActorRef<EdgeUpdate> replyTo)
      implements Command {}

  record Release(long interest) implements Command {}

  /** The graph's answer to a claim: build it. */
  record Granted(int output) implements Command {}

  /** The graph's answer to a claim: this other edge is the same thing. */
  record Merged(int output, ActorRef<Command> to, Edge edge) implements Command {}

  /** Gives everything up and stops, once what runs has ended. */
  record Stop() implements Command {}

  record PermitGranted(long id) implements Command {}

  /** A task's value, or why there is none. */
  record Ended<T>(Optional<T> value, Optional<Throwable> error) {}

  private record MapEnded(Ended<CacheMap> end) implements Command {}

  private record ContentEnded(int input, Ended<Optional<KeyDigest>> end) implements Command {}

  private record LoadEnded(int output, EdgeState.Candidate candidate, Ended<OpSteps.Loaded> end)
      implements Command {}

  private record RunEnded(Ended<OpSteps.Ran> end) implements Command {}

  /** What a vertex needs of the solver. */
  record Env(
      OpRunners runners,
      CacheIndex index,
      ActorRef<VertexGraph.Command> graph,
      Optional<ActorRef<ExecPool.Command>> pool) {}

  /** Where an input's edge lives now. */
  record InputRef(ActorRef<Command> actor, Edge edge) {}

  private static final Logger LOG = LoggerFactory.getLogger(VertexActor.class);
  private static final AtomicLong NUMBERS = new AtomicLong();

  private record Interest(int output, Level level, ActorRef<EdgeUpdate> replyTo) {}

  private record InputOf(Cell cell, int input) {}

  private record Pending(Cell cell, Edges.Event event) {}

  /** One output of the vertex. */
  private static final class Cell {
    final int output;
    final Edges edges;
    final long[] inputInterests;
    EdgeState state;
    Optional<EdgeUpdate.Moved> moved = Optional.empty();
    Optional<Blocking.Task<OpSteps.Loaded>> load = Optional.empty();

    Cell(int output, Edges edges, EdgeState state) {
      this.output = output;
      this.edges = edges;
      this.state = state;
      this.inputInterests = new long[state.inputs().size()];
    }
  }

  private final Env env;
  private final VertexScope scope;
  private final ResultLease lease;
  private final List<InputRef> inputs;
  private final Map<Integer, Cell> cells = new TreeMap<>();
  private final Map<Long, Interest> interests = new LinkedHashMap<>();
  private final Map<Long, InputOf> inputInterests = new HashMap<>();
  private final Deque<Pending> events = new ArrayDeque<>();
  private final VertexContext opContext;

  // The op, shared by the edges.
  private Optional<OpSteps> steps = Optional.empty();
  private Optional<BuildException> opFailure = Optional.empty();
  private final List<CacheMap> maps = new ArrayList<>();
  private Optional<Blocking.Task<CacheMap>> mapTask = Optional.empty();
  private boolean mapStops;
  private final Map<Integer, Optional<KeyDigest>> contents = new HashMap<>();
  private final Map<Integer, Blocking.Task<Optional<KeyDigest>>> contentTasks = new HashMap<>();
  private final java.util.Set<Integer> contentStops = new java.util.HashSet<>();
  private Optional<OpSteps.Ran> ran = Optional.empty();
  private Optional<Blocking.Task<OpSteps.Ran>> runTask = Optional.empty();
  private boolean runStops;
  private long permit;
  private boolean permitHeld;
  private boolean stopping;

  private VertexActor(
      ActorContext<Command> context,
      Env env,
      VertexScope scope,
      ResultLease lease,
      List<InputRef> inputs,
      SubSolver subSolver) {
    super(context);
    this.env = env;
    this.scope = scope;
    this.lease = lease;
    this.inputs = new ArrayList<>(inputs);
    this.opContext = new VertexContext(scope, scope.progress(), lease, subSolver);
  }

  /** The actor closes {@code lease} when it stops. */
  static Behavior<Command> create(
      Env env, VertexScope scope, ResultLease lease, List<InputRef> inputs, SubSolver subSolver) {
    return Guarded.behavior(
        Command.class,
        Behaviors.setup(context -> new VertexActor(context, env, scope, lease, inputs, subSolver)));
  }

  /** A number for an interest, equal to no other one of this process. */
  static long newInterest() {
    return NUMBERS.incrementAndGet();
  }

  @Override
  public Behavior<Command> onMessage(Command message) {
    switch (message) {
      case Want want -> onWant(want);
      case Release(var interest) -> onRelease(interest);
      case EdgeUpdate update -> onInput(update);
      case Granted(var output) -> apply(cell(output), new Edges.ClaimGranted());
      case Merged merged -> onMerged(merged);
      case PermitGranted(var id) -> onPermit(id);
      case MapEnded(var end) -> onMapEnded(end);
      case ContentEnded(var input, var end) -> onContentEnded(input, end);
      case LoadEnded ended -> onLoadEnded(ended);
      case RunEnded(var end) -> onRunEnded(end);
      case Stop() -> {
        stopping = true;
        interests.clear();
        cells.values().forEach(cell -> apply(cell, new Edges.Wanted(Level.INITIAL)));
      }
    }
    drain();
    return stopping && isIdle() ? Behaviors.stopped() : this;
  }

  @Override
  public Behavior<Command> onSignal(Signal signal) {
    if (signal instanceof PostStop) {
      Parts.endAll(
          scope.vertex(),
          () -> mapTask.ifPresent(Blocking.Task::interrupt),
          () -> contentTasks.values().forEach(Blocking.Task::interrupt),
          () -> cells.values().forEach(c -> c.load.ifPresent(Blocking.Task::interrupt)),
          () -> runTask.ifPresent(Blocking.Task::interrupt),
          this::releasePermit,
          lease::close);
    }
    return this;
  }

  private boolean isIdle() {
    return mapTask.isEmpty()
        && contentTasks.isEmpty()
        && runTask.isEmpty()
        && cells.values().stream().allMatch(c -> c.load.isEmpty());
  }

  // --- who wants what

  private void onWant(Want want) {
    Cell cell = cell(want.output());
    if (cell.moved.isPresent()) {
      want.replyTo()
          .tell(
              new EdgeUpdate.Moved(
                  want.interest(), cell.moved.get().to(), cell.moved.get().edge()));
      return;
    }
    interests.put(want.interest(), new Interest(want.output(), want.level(), want.replyTo()));
    EdgeState before = cell.state;
    apply(cell, new Edges.Wanted(wanted(cell)));
    drain();
    if (cell.state == before
        || cell.state.level() == before.level()
            && cell.state.keys().size() == before.keys().size()
            && cell.state.ended() == before.ended()) {
      answer(want.interest(), cell); // nothing was announced: tell what is there already
    }
  }

  private void onRelease(long interest) {
    Interest gone = interests.remove(interest);
    if (gone != null) {
      Cell cell = cell(gone.output());
      apply(cell, new Edges.Wanted(wanted(cell)));
    }
  }

  private Level wanted(Cell cell) {
    Level level = Level.INITIAL;
    for (Interest interest : interests.values()) {
      if (interest.output() == cell.output) {
        level = Level.max(level, interest.level());
      }
    }
    return level;
  }

  private void announce(Cell cell) {
    for (long number : List.copyOf(interests.keySet())) {
      Interest interest = interests.get(number);
      if (interest != null && interest.output() == cell.output) {
        answer(number, cell);
      }
    }
  }

  private void answer(long number, Cell cell) {
    Interest interest = interests.get(number);
    if (interest == null) {
      return;
    }
    EdgeState state = cell.state;
    if (state.failed().isPresent()) {
      interests.remove(number);
      interest.replyTo().tell(new EdgeUpdate.Failed(number, state.failed().get()));
      return;
    }
    if (state.done().isPresent()) {
      interests.remove(number);
    } else if (state.level() == Level.INITIAL && state.keys().isEmpty()) {
      return;
    }
    interest
        .replyTo()
        .tell(new EdgeUpdate.At(number, state.level(), state.announcedKeys(), state.done()));
  }

  private Cell cell(int output) {
    Cell cell = cells.get(output);
    if (cell == null) {
      var options = scope.vertex().options();
      cell =
          new Cell(
              output,
              new Edges(
                  env.index()
                      .lookup(
                          scope.vertex().digest(), options.exportCache(), output, scope::imports)),
              EdgeState.initial(inputs.size(), options.ignoreCache()));
      cells.put(output, cell);
      if (opFailure.isPresent()) {
        apply(cell, new Edges.Failed(opFailure.get()));
      }
    }
    return cell;
  }

  private void onInput(EdgeUpdate update) {
    InputOf of = inputInterests.get(update.interest());
    if (of == null) {
      return; // released meanwhile
    }
    switch (update) {
      case EdgeUpdate.At(var interest, var level, var keys, var done) -> {
        if (done.isPresent()) {
          forgetInput(of);
        }
        apply(of.cell(), new Edges.InputAt(of.input(), level, keys, done));
      }
      case EdgeUpdate.Failed(var interest, var cause) -> {
        forgetInput(of);
        apply(of.cell(), new Edges.Failed(cause));
      }
      case EdgeUpdate.Moved(var interest, var to, var edge) -> {
        forgetInput(of);
        inputs.set(of.input(), new InputRef(to, edge));
        apply(of.cell(), new Edges.InputMoved(of.input()));
      }
    }
  }

  private void forgetInput(InputOf of) {
    inputInterests.remove(of.cell().inputInterests[of.input()]);
    of.cell().inputInterests[of.input()] = 0;
  }

  private void onMerged(Merged merged) {
    Cell cell = cell(merged.output());
    var moved = new EdgeUpdate.Moved(0, merged.to(), merged.edge());
    cell.moved = Optional.of(moved);
    for (long number : List.copyOf(interests.keySet())) {
      Interest interest = interests.get(number);
      if (interest != null && interest.output() == cell.output) {
        interests.remove(number);
        interest.replyTo().tell(new EdgeUpdate.Moved(number, moved.to(), moved.edge()));
      }
    }
    apply(cell, new Edges.Wanted(Level.INITIAL));
  }

  // --- events and effects

  private void apply(Cell cell, Edges.Event event) {
    events.add(new Pending(cell, event));
  }

  private void drain() {
    while (!events.isEmpty()) {
      Pending next = events.poll();
      Edges.Step step = next.cell().edges.on(next.cell().state, next.event());
      next.cell().state = step.next();
      for (Edges.Effect effect : step.effects()) {
        carryOut(next.cell(), effect);
      }
    }
  }

  private void carryOut(Cell cell, Edges.Effect effect) {
    switch (effect) {
      case Edges.FetchMap(var index) -> fetchMap(cell, index);
      case Edges.StopMap() -> stopMap(cell);
      case Edges.Want(var input, var level) -> wantInput(cell, input, level);
      case Edges.Release(var input) -> {
        if (cell.inputInterests[input] != 0) {
          inputs.get(input).actor().tell(new Release(cell.inputInterests[input]));
          forgetInput(new InputOf(cell, input));
        }
      }
      case Edges.FetchContent(var input) -> fetchContent(cell, input);
      case Edges.StopContent(var input) -> stopContent(cell, input);
      case Edges.AskClaim() ->
          env.graph()
              .tell(
                  Claims.claim(
                      scope, cell.output, cell.state, maps, inputs, env.index().local(), self()));
      case Edges.Load(var candidate) -> load(cell, candidate);
      case Edges.Run() -> run(cell);
      case Edges.StopWork() -> stopWork(cell);
      case Edges.Announce() -> announce(cell);
    }
  }

  private ActorRef<Command> self() {
    return getContext().getSelf();
  }

  private void wantInput(Cell cell, int input, Level level) {
    if (cell.inputInterests[input] == 0) {
      cell.inputInterests[input] = newInterest();
      inputInterests.put(cell.inputInterests[input], new InputOf(cell, input));
    }
    InputRef ref = inputs.get(input);
    ref.actor()
        .tell(new Want(cell.inputInterests[input], ref.edge().index(), level, self().narrow()));
  }

  /** The op's runner; a vertex whose op has none fails. */
  private Optional<OpSteps> steps() {
    if (steps.isEmpty() && opFailure.isEmpty()) {
      try {
        OpRunner runner = env.runners().runner(scope.vertex());
        steps = Optional.of(new OpSteps(scope, opContext, runner));
      } catch (RuntimeException | Error e) { // of this vertex, whose op it is
        fail(OpSteps.withVertex(BuildException.of(e), scope));
      }
    }
    return steps;
  }

  private void fail(BuildException failure) {
    opFailure = Optional.of(failure);
    scope.trace().failed(failure);
    cells.values().forEach(cell -> apply(cell, new Edges.Failed(failure)));
  }

  // --- cache maps

  private void fetchMap(Cell cell, int index) {
    if (index < maps.size()) {
      apply(cell, new Edges.MapReady(maps.get(index)));
      return;
    }
    if (mapTask.isPresent() || steps().isEmpty()) {
      return; // its end tells this edge too
    }
    OpSteps op = steps.orElseThrow();
    if (op.runner().cacheMapIsPure()) {
      try {
        mapReady(op.cacheMapNow(index));
      } catch (Exception | Error e) {
        fail(op.failure(e, "failed to load cache key"));
      }
      return;
    }
    Blocking.Task<CacheMap> task = op.cacheMap(index);
    mapTask = Optional.of(task);
    getContext().pipeToSelf(task.done(), (map, error) -> new MapEnded(ended(map, error)));
  }

  private void mapReady(CacheMap map) {
    maps.add(map);
    scope.options().putAll(map.opts());
    for (Cell cell : cells.values()) {
      if (cell.state.mapPending() && cell.state.maps().size() == maps.size() - 1) {
        apply(cell, new Edges.MapReady(map));
      }
    }
  }

  private void stopMap(Cell cell) {
    boolean others =
        cells.values().stream()
            .anyMatch(c -> c != cell && c.state.mapPending() && !c.state.ended());
    if (mapTask.isEmpty() || others) {
      apply(cell, new Edges.MapStopped());
    } else {
      mapStops = true;
      mapTask.get().interrupt();
    }
  }

  private void onMapEnded(Ended<CacheMap> end) {
    boolean stopped = mapStops;
    mapTask = Optional.empty();
    mapStops = false;
    if (end.value().isPresent()) {
      mapReady(end.value().get());
    } else if (stopped) {
      pending(c -> c.state.mapPending(), new Edges.MapStopped());
    } else {
      fail(steps.orElseThrow().failure(end.error().orElseThrow(), "failed to load cache key"));
    }
  }

  private void pending(java.util.function.Predicate<Cell> which, Edges.Event event) {
    cells.values().stream().filter(which).forEach(cell -> apply(cell, event));
  }

  // --- keys by content

  private void fetchContent(Cell cell, int input) {
    if (contents.containsKey(input)) {
      apply(cell, new Edges.ContentReady(input, contents.get(input)));
      return;
    }
    if (contentTasks.containsKey(input) || steps().isEmpty()) {
      return;
    }
    CacheMap.Dep dep = maps.getFirst().deps().get(input);
    Optional<ResultId> result = cell.state.inputs().get(input).done().flatMap(Done::result);
    var task = steps.orElseThrow().content(input, result, dep);
    contentTasks.put(input, task);
    getContext()
        .pipeToSelf(task.done(), (key, error) -> new ContentEnded(input, ended(key, error)));
  }

  private static boolean awaitsContent(Cell cell, int input) {
    return cell.state.inputs().get(input).content() == Content.PENDING;
  }

  private void stopContent(Cell cell, int input) {
    boolean others =
        cells.values().stream()
            .anyMatch(c -> c != cell && awaitsContent(c, input) && !c.state.ended());
    if (!contentTasks.containsKey(input) || others) {
      apply(cell, new Edges.ContentStopped(input));
    } else if (contentStops.add(input)) {
      contentTasks.get(input).interrupt();
    }
  }

  private void onContentEnded(int input, Ended<Optional<KeyDigest>> end) {
    contentTasks.remove(input);
    boolean stopped = contentStops.remove(input);
    if (end.value().isPresent()) {
      contents.put(input, end.value().get());
      pending(c -> awaitsContent(c, input), new Edges.ContentReady(input, end.value().get()));
    } else if (stopped) {
      pending(c -> awaitsContent(c, input), new Edges.ContentStopped(input));
    } else {
      Optional<ResultId> result =
          cells.values().stream()
              .filter(c -> awaitsContent(c, input))
              .findFirst()
              .flatMap(c -> c.state.inputs().get(input).done())
              .flatMap(Done::result);
      fail(steps.orElseThrow().contentFailure(end.error().orElseThrow(), input, result));
    }
  }

  // --- loading a record

  private void load(Cell cell, EdgeState.Candidate candidate) {
    if (steps().isEmpty()) {
      return;
    }
    var task = steps.orElseThrow().load(candidate);
    cell.load = Optional.of(task);
    getContext()
        .pipeToSelf(
            task.done(),
            (loaded, error) -> new LoadEnded(cell.output, candidate, ended(loaded, error)));
  }

  private void onLoadEnded(LoadEnded ended) {
    Cell cell = cell(ended.output());
    cell.load = Optional.empty();
    CacheKey key = ended.candidate().key();
    CacheKey.Found found = ended.candidate().found();
    if (ended.end().value().isPresent()) {
      OpSteps.Loaded loaded = ended.end().value().get();
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
      apply(cell, new Edges.Completed(new Done(loaded.result(), List.of(key))));
      return;
    }
    if (cell.state.work() == Work.STOPPING) {
      apply(cell, new Edges.WorkStopped());
      return;
    }
    BuildException why = BuildException.of(ended.end().error().orElseThrow());
    LOG.debug("{}: record {} not loaded", scope.vertex(), found.record().id(), why);
    if (why.kind() == Kind.NOT_FOUND && found.table() == env.index().local()) {
      env.index().local().drop(found.record().id());
      env.index().flush();
    }
    apply(cell, new Edges.LoadFailed(found));
  }

  private void shownWhenSafe(boolean cached, Instant started, Instant ended) {
    env.index().flushThen(() -> scope.progress().completed(cached, started, ended, ""));
  }

  // --- running the op

  private void run(Cell cell) {
    if (ran.isPresent()) {
      completed(cell, ran.get());
      return;
    }
    if (runTask.isPresent() || permit != 0 || steps().isEmpty()) {
      return; // its end tells this edge too; a run that is being stopped starts again then
    }
    if (env.pool().isPresent() && steps.orElseThrow().runner().needsPermit()) {
      permit = newInterest();
      env.pool()
          .get()
          .tell(new ExecPool.Acquire<>(permit, self().narrow(), new PermitGranted(permit)));
    } else {
      startRun();
    }
  }

  private void onPermit(long id) {
    if (id != permit) {
      env.pool().ifPresent(pool -> pool.tell(new ExecPool.Release(id))); // was taken back
      return;
    }
    permitHeld = true;
    startRun();
  }

  private void releasePermit() {
    if (permit != 0) {
      long id = permit;
      permit = 0;
      permitHeld = false;
      env.pool().ifPresent(pool -> pool.tell(new ExecPool.Release(id)));
    }
  }

  private Optional<Cell> running() {
    return cells.values().stream().filter(c -> c.state.work() == Work.RUNNING).findFirst();
  }

  private void startRun() {
    Cell cell = running().orElseThrow();
    List<Optional<ResultId>> results =
        cell.state.inputs().stream().map(i -> i.done().flatMap(Done::result)).toList();
    var task = steps.orElseThrow().run(results);
    runTask = Optional.of(task);
    getContext().pipeToSelf(task.done(), (value, error) -> new RunEnded(ended(value, error)));
  }

  private void stopWork(Cell cell) {
    if (cell.load.isPresent()) {
      cell.load.get().interrupt();
    } else if (runTask.isEmpty() || running().isPresent()) {
      apply(cell, new Edges.WorkStopped());
      if (running().isEmpty() && !permitHeld) {
        releasePermit();
      }
    } else {
      runStops = true;
      runTask.get().interrupt();
    }
  }

  private void onRunEnded(Ended<OpSteps.Ran> end) {
    boolean stopped = runStops;
    runTask = Optional.empty();
    runStops = false;
    releasePermit();
    if (end.value().isPresent()) {
      OpSteps.Ran value = end.value().get();
      ran = end.value();
      cells.values().stream()
          .filter(c -> c.state.work() == Work.RUNNING || c.state.work() == Work.STOPPING)
          .filter(c -> c.load.isEmpty())
          .forEach(c -> completed(c, value));
      scope.trace().completed(false);
      shownWhenSafe(false, value.started(), value.ended());
    } else if (stopped) {
      pending(c -> c.state.work() == Work.STOPPING && c.load.isEmpty(), new Edges.WorkStopped());
      running().ifPresent(this::run); // wanted again meanwhile
    } else {
      fail(steps.orElseThrow().failure(end.error().orElseThrow(), ""));
    }
  }

  private void completed(Cell cell, OpSteps.Ran value) {
    if (cell.output >= value.outputs().size()) {
      apply(
          cell,
          new Edges.Failed(
              OpSteps.withVertex(
                  new BuildException(
                      Kind.INTERNAL,
                      "invalid response from exec need "
                          + cell.output
                          + " index but "
                          + value.outputs().size()
                          + " results received"),
                  scope)));
      return;
    }
    Optional<ResultId> result = value.outputs().get(cell.output);
    List<CacheKey> keys = Claims.resultKeys(scope, cell.output, cell.state, maps);
    keys.forEach(key -> env.index().save(key, result, value.ended()));
    apply(cell, new Edges.Completed(new Done(result, keys)));
  }

  private static <T> Ended<T> ended(
      @org.jspecify.annotations.Nullable T value,
      @org.jspecify.annotations.Nullable Throwable error) {
    return new Ended<>(Optional.ofNullable(value), Optional.ofNullable(error));
  }
}
