package dev.kiln.actors;

import akka.actor.typed.Behavior;
import akka.actor.typed.BehaviorInterceptor;
import akka.actor.typed.Signal;
import akka.actor.typed.TypedActorContext;
import akka.actor.typed.javadsl.Behaviors;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;

/**
 * Keeps an error that one message causes, as a stack that is too deep or memory that is not there,
 * within the actor that handles it: the actor stops as it does for an exception, and its parent is
 * told. Let through, Akka ends the process for it (ADR 0011).
 */
final class Guarded<T> extends BehaviorInterceptor<T, T> {
  private Guarded(Class<T> messages) {
    super(messages);
  }

  static <T> Behavior<T> behavior(Class<T> messages, Behavior<T> behavior) {
    return Behaviors.intercept(() -> new Guarded<>(messages), behavior);
  }

  /** {@code EXHAUSTED} where the machine is, else {@code INTERNAL}: no client's fault. */
  static BuildException failure(String what, Throwable why) {
    BuildException cause = BuildException.of(why);
    Kind kind = cause.kind() == Kind.EXHAUSTED ? Kind.EXHAUSTED : Kind.INTERNAL;
    return new BuildException(kind, what + ": " + cause.getMessage(), why);
  }

  @Override
  public Behavior<T> aroundReceive(TypedActorContext<T> context, T message, ReceiveTarget<T> to) {
    try {
      return to.apply(context, message);
    } catch (Error e) {
      throw BuildException.of(e);
    }
  }

  @Override
  public Behavior<T> aroundSignal(TypedActorContext<T> context, Signal signal, SignalTarget<T> to) {
    try {
      return to.apply(context, signal);
    } catch (Error e) {
      throw BuildException.of(e);
    }
  }
}
