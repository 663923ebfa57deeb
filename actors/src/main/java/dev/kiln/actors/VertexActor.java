package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import dev.kiln.actors.EdgeState.Done;
import dev.kiln.llb.Edge;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One vertex of the shared graph: it owns its edges and the one op that they share, and nobody else
 * has the op's calls made. Edges ({@link Edges}) and op ({@link SharedOp}) decide; this carries
 * their effects out. Interests are messages: {@link Want} raises or lowers one, {@link Release}
 * ends it, and {@link EdgeUpdate}s answer. Only the graph stops a vertex.
 */
final class VertexActor extends AbstractOnMessageBehavior<VertexActor.Command> {
  sealed interface Command
      permits EdgeUpdate, Want, Release, Granted, Merged, BuildsChanged, Stop, News {}

  /** Wants an edge up to a level; the same number again changes the level. */
  record Want(long interest, int output, Level level, ActorRef<EdgeUpdate> replyTo)
      implements Command {}

  record Release(long interest) implements Command {}

  /** The graph's answer to a claim: build it. */
  record Granted(int output) implements Command {}

  /** The graph's answer to a claim: this other edge is the same thing. */
  record Merged(int output, ActorRef<Command> to, Edge edge) implements Command {}

  /** Other builds want the vertex than before. */
  record BuildsChanged() implements Command {}

  /** Gives everything up and stops, once what runs has ended. */
  record Stop() implements Command {}

  private record News(StepNews news) implements Command {}

  /** What a vertex needs of the solver. */
  record Env(
      OpRunners runners,
      CacheIndex index,
      ActorRef<VertexGraph.Command> graph,
      ActorRef<StepPool.Command> pool,
      ActiveOps ops) {}

  private static final AtomicLong NUMBERS = new AtomicLong();

  /** One output of the vertex. */
  private static final class Cell {
    final int output;
    final CacheIndex.Lookup caches;
    EdgeState state;
    Optional<Merged> moved = Optional.empty();

    Cell(int output, CacheIndex.Lookup caches, EdgeState state) {
      this.output = output;
      this.caches = caches;
      this.state = state;
    }
  }

  /** What is still to be decided. */
  private sealed interface Pending {}

  private record OfEdge(Cell cell, EdgeEvent event) implements Pending {}

  private record OfOp(SharedOp.Event event) implements Pending {}

  private final Env env;
  private final VertexScope scope;
  private final ResultLease lease;
  private final InputInterests inputs;
  private final Map<Integer, Cell> cells = new TreeMap<>();
  private final Interests interests = new Interests();
  private final Deque<Pending> pending = new ArrayDeque<>();
  private final OpDriver op;
  private boolean stopping;

  private VertexActor(
      ActorContext<Command> context,
      Env env,
      VertexScope scope,
      ResultLease lease,
      List<InputInterests.Ref> inputs,
      SubSolver subSolver) {
    super(context);
    this.env = env;
    this.scope = scope;
    this.lease = lease;
    this.inputs = new InputInterests(inputs, context.getSelf().narrow());
    this.op =
        new OpDriver(
            env,
            scope,
            new VertexContext(scope, scope.progress(), lease, subSolver),
            () -> context.messageAdapter(StepNews.class, News::new),
            new OfCells());
  }

  /** The actor closes {@code lease} when it stops. */
  static Behavior<Command> create(
      Env env,
      VertexScope scope,
      ResultLease lease,
      List<InputInterests.Ref> inputs,
      SubSolver subSolver) {
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
      case Granted(var output) -> decide(cell(output), new EdgeEvent.ClaimGranted());
      case Merged merged -> onMerged(merged);
      case BuildsChanged() -> op.tellBuilds();
      case News(var news) -> op.onNews(news);
      case Stop() -> {
        stopping = true;
        interests.clear();
        cells.values().forEach(cell -> decide(cell, new EdgeEvent.Wanted(Level.INITIAL)));
      }
    }
    drain();
    return stopping && op.state().isIdle() ? Behaviors.stopped() : this;
  }

  @Override
  public Behavior<Command> onSignal(Signal signal) {
    if (signal instanceof PostStop) {
      Parts.endAll(scope.vertex(), op::close, lease::close);
    }
    return this;
  }

  // --- who wants what

  private void onWant(Want want) {
    Cell cell = cell(want.output());
    if (cell.moved.isPresent()) {
      Merged to = cell.moved.get();
      want.replyTo().tell(new EdgeUpdate.Moved(want.interest(), to.to(), to.edge()));
      return;
    }
    interests.put(want);
    EdgeState before = cell.state;
    decide(cell, new EdgeEvent.Wanted(interests.wanted(cell.output)));
    drain();
    if (cell.state == before
        || cell.state.level() == before.level()
            && cell.state.keys().size() == before.keys().size()
            && cell.state.ended() == before.ended()) {
      interests.answer(want.interest(), cell.state); // nothing was announced: what is there already
    }
  }

  private void onRelease(long interest) {
    interests
        .remove(interest)
        .ifPresent(output -> decide(cell(output), new EdgeEvent.Wanted(interests.wanted(output))));
  }

  private Cell cell(int output) {
    Cell cell = cells.get(output);
    if (cell == null) {
      var options = scope.vertex().options();
      var lookup =
          env.index()
              .lookup(scope.vertex().digest(), options.exportCache(), output, scope::imports);
      cell =
          new Cell(output, lookup, EdgeState.initial(inputs.refs().size(), options.ignoreCache()));
      cells.put(output, cell);
      if (op.state().failure().isPresent()) {
        decide(cell, new EdgeEvent.Failed(op.state().failure().get()));
      }
    }
    return cell;
  }

  private void onMerged(Merged merged) {
    Cell cell = cell(merged.output());
    cell.moved = Optional.of(merged);
    interests.moved(merged.output(), merged.to(), merged.edge());
    decide(cell, new EdgeEvent.Wanted(Level.INITIAL));
  }

  private void onInput(EdgeUpdate update) {
    Optional<InputInterests.Of> of = inputs.find(update.interest());
    if (of.isEmpty()) {
      return; // released meanwhile
    }
    Cell cell = cell(of.get().output());
    int input = of.get().input();
    switch (update) {
      case EdgeUpdate.At(_, var level, var keys, var done) -> {
        if (done.isPresent()) {
          inputs.forget(update.interest());
        }
        decide(cell, new EdgeEvent.InputAt(input, level, keys, done));
      }
      case EdgeUpdate.Failed(_, var cause) -> {
        inputs.forget(update.interest());
        decide(cell, new EdgeEvent.Failed(cause));
      }
      case EdgeUpdate.Moved(_, var to, var edge) -> {
        inputs.forget(update.interest());
        inputs.moved(input, to, edge);
        decide(cell, new EdgeEvent.InputMoved(input));
      }
    }
  }

  // --- events and effects

  private void decide(Cell cell, EdgeEvent event) {
    pending.add(new OfEdge(cell, event));
  }

  private void decide(SharedOp.Event event) {
    pending.add(new OfOp(event));
  }

  private void drain() {
    while (!pending.isEmpty()) {
      switch (pending.poll()) {
        case OfEdge(var cell, var event) -> {
          Edges.Step step = Edges.on(cell.state, event);
          cell.state = step.next();
          step.effects().forEach(effect -> carryOut(cell, effect));
        }
        case OfOp(var event) -> op.on(event);
      }
    }
  }

  private void carryOut(Cell cell, EdgeEffect effect) {
    int output = cell.output;
    switch (effect) {
      case EdgeEffect.FetchMap(var index) -> need(output, new OpCall.Map(index));
      case EdgeEffect.StopMap() -> drop(output, new SharedOp.Piece.Maps());
      case EdgeEffect.Want(var input, var level) -> inputs.want(output, input, level);
      case EdgeEffect.Release(var input) -> inputs.release(output, input);
      case EdgeEffect.FetchContent(var input) ->
          need(
              output,
              new OpCall.Content(
                  input, result(cell, input), op.state().maps().getFirst().deps().get(input)));
      case EdgeEffect.StopContent(var input) -> drop(output, new SharedOp.Piece.Content(input));
      case EdgeEffect.Probe(var input, var keys, var digest) ->
          decide(cell, new EdgeEvent.Probed(input, cell.caches.probe(input, keys, digest)));
      case EdgeEffect.ProbeRoot(var digest) ->
          decide(cell, new EdgeEvent.RootProbed(cell.caches.root(digest)));
      case EdgeEffect.Identify(var refs, var digest, var deps) ->
          decide(
              cell,
              new EdgeEvent.Identified(
                  refs.stream().map(ref -> cell.caches.identify(ref, digest, deps)).toList()));
      case EdgeEffect.AskClaim() -> env.graph().tell(claim(cell));
      case EdgeEffect.Load(var candidate) -> need(output, new OpCall.Load(output, candidate));
      case EdgeEffect.Run() -> need(output, new OpCall.Run(results(cell)));
      case EdgeEffect.StopWork() -> drop(output, op.state().work(output));
      case EdgeEffect.Announce() -> interests.announce(output, cell.state);
    }
  }

  private void need(int output, OpCall call) {
    decide(new SharedOp.Needed(output, call));
  }

  private void drop(int output, SharedOp.Piece piece) {
    decide(new SharedOp.Dropped(output, piece));
  }

  private VertexGraph.Claim claim(Cell cell) {
    return Claims.claim(
        scope,
        cell.output,
        cell.state,
        op.state().maps(),
        inputs.refs(),
        env.index().local(),
        getContext().getSelf());
  }

  private static Optional<ResultId> result(Cell cell, int input) {
    return cell.state.inputs().get(input).done().flatMap(Done::result);
  }

  private static List<Optional<ResultId>> results(Cell cell) {
    return cell.state.inputs().stream().map(i -> i.done().flatMap(Done::result)).toList();
  }

  /** The edges as the op's driver sees them. */
  private final class OfCells implements OpDriver.Cells {
    @Override
    public EdgeState state(int output) {
      return cell(output).state;
    }

    @Override
    public void decide(int output, EdgeEvent event) {
      VertexActor.this.decide(cell(output), event);
    }

    @Override
    public void decideAll(EdgeEvent event) {
      cells.values().forEach(cell -> VertexActor.this.decide(cell, event));
    }

    @Override
    public void decide(SharedOp.Event event) {
      VertexActor.this.decide(event);
    }
  }
}
