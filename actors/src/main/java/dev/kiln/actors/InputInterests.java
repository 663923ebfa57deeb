package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import dev.kiln.llb.Edge;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a vertex's outputs want of its inputs, and where each input's edge lives now. One thread at
 * a time.
 */
final class InputInterests {
  /** Where an input's edge lives. */
  record Ref(ActorRef<VertexActor.Command> actor, Edge edge) {}

  /** Whose interest in which input. */
  record Of(int output, int input) {}

  private final List<Ref> refs;
  private final ActorRef<EdgeUpdate> self;
  private final Map<Of, Long> numbers = new HashMap<>();
  private final Map<Long, Of> byNumber = new HashMap<>();

  /**
   * @param self whom the inputs answer
   */
  InputInterests(List<Ref> refs, ActorRef<EdgeUpdate> self) {
    this.refs = new ArrayList<>(refs);
    this.self = self;
  }

  List<Ref> refs() {
    return refs;
  }

  /** Raises or lowers what an output wants of an input. */
  void want(int output, int input, Level level) {
    var of = new Of(output, input);
    long number =
        numbers.computeIfAbsent(
            of,
            _ -> {
              long made = VertexActor.newInterest();
              byNumber.put(made, of);
              return made;
            });
    Ref ref = refs.get(input);
    ref.actor().tell(new VertexActor.Want(number, ref.edge().index(), level, self));
  }

  /** Gives up what an output wants of an input. */
  void release(int output, int input) {
    Long number = numbers.get(new Of(output, input));
    if (number != null) {
      refs.get(input).actor().tell(new VertexActor.Release(number));
      forget(number);
    }
  }

  /** Whose interest this is; absent where it was given up. */
  Optional<Of> find(long number) {
    return Optional.ofNullable(byNumber.get(number));
  }

  /** The input has said its last word. */
  void forget(long number) {
    Of of = byNumber.remove(number);
    if (of != null) {
      numbers.remove(of);
    }
  }

  /** The input is another edge from now on. */
  void moved(int input, ActorRef<VertexActor.Command> to, Edge edge) {
    refs.set(input, new Ref(to, edge));
  }
}
