package dev.kiln.actors;

import dev.kiln.actors.EdgeState.Candidate;
import dev.kiln.model.BuildException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The one op behind a vertex's edges: what is known of it, which of its calls are under way, and
 * which outputs wait for them. Immutable; {@link #on} makes the next one. It holds no actor, clock
 * or disk; {@link VertexActor} carries the effects out.
 *
 * <p>Each call is made once at a time, whatever number of edges asks. A call that nobody waits for
 * is cancelled; it is over when its end comes, and is made again where somebody asked meanwhile.
 * Each try has a number: the end of one that is not under way is passed over.
 *
 * @param maps the op's cache maps so far, in their order
 * @param contents keys by content, by input; absent where an input has none
 * @param ran what the op's run gave
 * @param calls what is under way
 * @param failure why the op is of no use any more
 * @param tries how many were begun
 */
record SharedOp(
    List<CacheMap> maps,
    Map<Integer, Optional<CacheKey>> contents,
    Optional<OpEnd.Ran> ran,
    Map<Piece, Call> calls,
    Optional<BuildException> failure,
    long tries) {

  /** An op of which nothing is known. */
  static final SharedOp NEW =
      new SharedOp(List.of(), Map.of(), Optional.empty(), Map.of(), Optional.empty(), 0);

  SharedOp {
    maps = List.copyOf(maps);
    contents = Map.copyOf(contents);
    calls = Map.copyOf(calls);
  }

  /** A part of the op's work of which one call at a time is under way. */
  sealed interface Piece {
    record Maps() implements Piece {}

    record Content(int input) implements Piece {}

    record Load(int output) implements Piece {}

    record Run() implements Piece {}

    static Piece of(OpCall call) {
      return switch (call) {
        case OpCall.Map _ -> new Maps();
        case OpCall.Content(var input, _, _) -> new Content(input);
        case OpCall.Load(var output, _) -> new Load(output);
        case OpCall.Run _ -> new Run();
      };
    }
  }

  /**
   * A call under way.
   *
   * @param again what to call where it was cancelled and is wanted again: as asked for last
   * @param wanting outputs that wait for its value
   * @param leaving outputs that wait for nothing but its end
   */
  record Call(
      long number, OpCall again, Set<Integer> wanting, Set<Integer> leaving, boolean cancelled) {
    Call {
      wanting = java.util.Collections.unmodifiableSet(new TreeSet<>(wanting));
      leaving = java.util.Collections.unmodifiableSet(new TreeSet<>(leaving));
    }

    Call wantedBy(int output, OpCall call) {
      return new Call(number, call, with(wanting, output), without(leaving, output), cancelled);
    }

    Call without(int output) {
      return new Call(number, again, without(wanting, output), leaving, cancelled);
    }

    Call cancelledFor(int output) {
      return new Call(number, again, without(wanting, output), with(leaving, output), true);
    }

    Set<Integer> waiting() {
      var all = new TreeSet<>(wanting);
      all.addAll(leaving);
      return all;
    }

    private static Set<Integer> with(Set<Integer> all, int output) {
      var more = new TreeSet<>(all);
      more.add(output);
      return more;
    }

    private static Set<Integer> without(Set<Integer> all, int output) {
      var less = new TreeSet<>(all);
      less.remove(output);
      return less;
    }
  }

  sealed interface Event {}

  /** An output needs what {@code call} gives. */
  record Needed(int output, OpCall call) implements Event {}

  /** An output needs a piece no more, and waits to hear that it is not under way. */
  record Dropped(int output, Piece piece) implements Event {}

  /** A try ended. */
  record Ended(long number, OpEnd end) implements Event {}

  sealed interface Effect {}

  record Start(long number, OpCall call) implements Effect {}

  record Cancel(long number) implements Effect {}

  /** An edge is to know this. */
  record Tell(int output, EdgeEvent event) implements Effect {}

  /** A cache map is known, with what travels beside it. */
  record Learned(CacheMap map) implements Effect {}

  /** The op's outputs are there, of which this one was waited for. */
  record Complete(int output, OpEnd.Ran ran) implements Effect {}

  /** The op's outputs are there. */
  record Finish(OpEnd.Ran ran) implements Effect {}

  record Take(int output, Candidate candidate, OpEnd.Loaded loaded) implements Effect {}

  record Lost(int output, Candidate candidate, BuildException cause) implements Effect {}

  /** All edges fail, those to come too. */
  record Fail(BuildException cause) implements Effect {}

  record Step(SharedOp next, List<Effect> effects) {
    Step {
      effects = List.copyOf(effects);
    }
  }

  Step on(Event event) {
    return switch (event) {
      case Needed(var output, var call) -> need(output, call);
      case Dropped(var output, var piece) -> drop(output, piece);
      case Ended(var number, var end) -> end(number, end);
    };
  }

  /** Whether no call is under way. */
  boolean isIdle() {
    return calls.isEmpty();
  }

  /** By which piece an output is being made. */
  Piece work(int output) {
    var load = new Piece.Load(output);
    return calls.containsKey(load) ? load : new Piece.Run();
  }

  private Step need(int output, OpCall call) {
    if (failure.isPresent()) {
      return tell(output, new EdgeEvent.Failed(failure.get()));
    }
    switch (call) {
      case OpCall.Map(var index) when index < maps.size() -> {
        return tell(output, new EdgeEvent.MapReady(maps.get(index)));
      }
      case OpCall.Content(var input, _, _) when contents.containsKey(input) -> {
        return tell(output, new EdgeEvent.ContentReady(input, contents.get(input)));
      }
      case OpCall.Run _ when ran.isPresent() -> {
        return new Step(this, List.of(new Complete(output, ran.get())));
      }
      default -> {}
    }
    Piece piece = Piece.of(call);
    Call under = calls.get(piece);
    return under == null
        ? start(piece, call, Set.of(output))
        : new Step(with(piece, under.wantedBy(output, call)), List.of());
  }

  private Step drop(int output, Piece piece) {
    Call under = calls.get(piece);
    if (under == null || !under.wanting().contains(output)) {
      return tell(output, stopped(piece));
    }
    if (under.wanting().size() > 1) {
      return new Step(
          with(piece, under.without(output)), List.of(new Tell(output, stopped(piece))));
    }
    List<Effect> effects = under.cancelled() ? List.of() : List.of(new Cancel(under.number()));
    return new Step(with(piece, under.cancelledFor(output)), effects);
  }

  private static EdgeEvent stopped(Piece piece) {
    return switch (piece) {
      case Piece.Maps() -> new EdgeEvent.MapStopped();
      case Piece.Content(var input) -> new EdgeEvent.ContentStopped(input);
      case Piece.Load _, Piece.Run _ -> new EdgeEvent.WorkStopped();
    };
  }

  private Step end(long number, OpEnd end) {
    Optional<Map.Entry<Piece, Call>> found =
        calls.entrySet().stream().filter(e -> e.getValue().number() == number).findFirst();
    if (found.isEmpty()) {
      return new Step(this, List.of()); // of a try that is over
    }
    Piece piece = found.get().getKey();
    Call call = found.get().getValue();
    SharedOp rest = without(piece);
    return switch (end) {
      case OpEnd.Mapped(var map) -> rest.mapped(map, call);
      case OpEnd.Keyed(var key) -> rest.keyed(((Piece.Content) piece).input(), key, call);
      case OpEnd.Ran ran -> rest.ran(ran, call);
      case OpEnd.Loaded loaded ->
          new Step(
              rest,
              call.waiting().stream()
                  .<Effect>map(o -> new Take(o, candidate(call), loaded))
                  .toList());
      case OpEnd.Failed(var cause) when call.cancelled() -> rest.cancelled(piece, call);
      case OpEnd.Failed(var cause) when piece instanceof Piece.Load(var output) ->
          new Step(rest, List.of(new Lost(output, candidate(call), cause)));
      case OpEnd.Failed(var cause) -> rest.fail(cause);
    };
  }

  private static Candidate candidate(Call call) {
    return ((OpCall.Load) call.again()).candidate();
  }

  private Step mapped(CacheMap map, Call call) {
    var all = new ArrayList<>(maps);
    all.add(map);
    var effects = new ArrayList<Effect>(List.of(new Learned(map)));
    call.waiting().forEach(o -> effects.add(new Tell(o, new EdgeEvent.MapReady(map))));
    return new Step(new SharedOp(all, contents, ran, calls, failure, tries), effects);
  }

  private Step keyed(int input, Optional<CacheKey> key, Call call) {
    var all = new HashMap<>(contents);
    all.put(input, key);
    return new Step(
        new SharedOp(maps, all, ran, calls, failure, tries),
        call.waiting().stream()
            .<Effect>map(o -> new Tell(o, new EdgeEvent.ContentReady(input, key)))
            .toList());
  }

  private Step ran(OpEnd.Ran outputs, Call call) {
    var effects = new ArrayList<Effect>();
    call.waiting().forEach(o -> effects.add(new Complete(o, outputs)));
    effects.add(new Finish(outputs));
    return new Step(
        new SharedOp(maps, contents, Optional.of(outputs), calls, failure, tries), effects);
  }

  /** Who left hears that it is over; who came meanwhile gets another try. */
  private Step cancelled(Piece piece, Call call) {
    var effects = new ArrayList<Effect>();
    call.leaving().forEach(o -> effects.add(new Tell(o, stopped(piece))));
    if (call.wanting().isEmpty()) {
      return new Step(this, effects);
    }
    Step again = start(piece, call.again(), call.wanting());
    effects.addAll(again.effects());
    return new Step(again.next(), effects);
  }

  private Step start(Piece piece, OpCall call, Set<Integer> outputs) {
    long number = tries + 1;
    var all = new HashMap<>(calls);
    all.put(piece, new Call(number, call, outputs, Set.of(), false));
    return new Step(
        new SharedOp(maps, contents, ran, all, failure, number), List.of(new Start(number, call)));
  }

  /** What is under way is of no use either. */
  private Step fail(BuildException cause) {
    var all = new HashMap<Piece, Call>();
    var effects = new ArrayList<Effect>(List.of(new Fail(cause)));
    calls.forEach((piece, call) -> {
      all.put(piece, new Call(call.number(), call.again(), Set.of(), call.waiting(), true));
      if (!call.cancelled()) {
        effects.add(new Cancel(call.number()));
      }
    });
    return new Step(
        new SharedOp(maps, contents, ran, all, failure.or(() -> Optional.of(cause)), tries),
        effects);
  }

  private Step tell(int output, EdgeEvent event) {
    return new Step(this, List.of(new Tell(output, event)));
  }

  private SharedOp with(Piece piece, Call call) {
    var all = new HashMap<>(calls);
    all.put(piece, call);
    return new SharedOp(maps, contents, ran, all, failure, tries);
  }

  private SharedOp without(Piece piece) {
    var all = new HashMap<>(calls);
    all.remove(piece);
    return new SharedOp(maps, contents, ran, all, failure, tries);
  }
}
