package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/**
 * Hands out the permits of {@code max-parallelism}, first come first served; nobody else counts
 * them (features V-11). Who holds one returns it, also when it ends otherwise than planned.
 */
final class ExecPool extends AbstractOnMessageBehavior<ExecPool.Command> {
  sealed interface Command {}

  /** Asks for a permit; {@code replyTo} is told {@code grant} once it has one. */
  record Acquire<T>(long id, ActorRef<T> replyTo, T grant) implements Command {
    void answer() {
      replyTo.tell(grant);
    }
  }

  /** Returns a permit, or takes back the wish for one. */
  record Release(long id) implements Command {}

  private final int permits;
  private final Set<Long> holders = new HashSet<>();
  private final Deque<Acquire<?>> waiting = new ArrayDeque<>();

  private ExecPool(ActorContext<Command> context, int permits) {
    super(context);
    this.permits = permits;
  }

  static Behavior<Command> create(int permits) {
    return Guarded.behavior(
        Command.class, Behaviors.setup(context -> new ExecPool(context, permits)));
  }

  @Override
  public Behavior<Command> onMessage(Command message) {
    switch (message) {
      case Acquire<?> acquire -> waiting.add(acquire);
      case Release(var id) -> {
        if (!holders.remove(id)) {
          waiting.removeIf(a -> a.id() == id);
        }
      }
    }
    while (holders.size() < permits && !waiting.isEmpty()) {
      Acquire<?> next = waiting.poll();
      holders.add(next.id());
      next.answer();
    }
    return this;
  }
}
