package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import dev.kiln.llb.Edge;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Who wants what of a vertex's outputs, by the numbers of the interests, and what each was told
 * last. One thread at a time.
 */
final class Interests {
  private record Interest(int output, Level level, ActorRef<EdgeUpdate> replyTo) {}

  private final Map<Long, Interest> all = new LinkedHashMap<>();

  /** Raises or lowers one. */
  void put(VertexActor.Want want) {
    all.put(want.interest(), new Interest(want.output(), want.level(), want.replyTo()));
  }

  /** Ends one, and tells the output that it was for; empty where there is none. */
  OptionalInt remove(long number) {
    Interest gone = all.remove(number);
    return gone == null ? OptionalInt.empty() : OptionalInt.of(gone.output());
  }

  void clear() {
    all.clear();
  }

  /** The highest level that somebody wants of an output. */
  Level wanted(int output) {
    Level level = Level.INITIAL;
    for (Interest interest : all.values()) {
      if (interest.output() == output) {
        level = Level.max(level, interest.level());
      }
    }
    return level;
  }

  /** Tells all who want an output where it stands. */
  void announce(int output, EdgeState state) {
    of(output).forEach(number -> answer(number, state));
  }

  /** Tells one where its output stands; a result and a failure end it. */
  void answer(long number, EdgeState state) {
    Interest interest = all.get(number);
    if (interest == null) {
      return;
    }
    if (state.failed().isPresent()) {
      all.remove(number);
      interest.replyTo().tell(new EdgeUpdate.Failed(number, state.failed().get()));
      return;
    }
    if (state.done().isPresent()) {
      all.remove(number);
    } else if (state.level() == Level.INITIAL && state.keys().isEmpty()) {
      return;
    }
    interest
        .replyTo()
        .tell(new EdgeUpdate.At(number, state.level(), state.announcedKeys(), state.done()));
  }

  /** Sends all who want an output to another edge, which is the same thing. */
  void moved(int output, ActorRef<VertexActor.Command> to, Edge edge) {
    for (long number : of(output)) {
      Interest gone = all.remove(number);
      if (gone != null) {
        gone.replyTo().tell(new EdgeUpdate.Moved(number, to, edge));
      }
    }
  }

  private List<Long> of(int output) {
    var numbers = new ArrayList<Long>();
    all.forEach((number, interest) -> {
      if (interest.output() == output) {
        numbers.add(number);
      }
    });
    return numbers;
  }
}
