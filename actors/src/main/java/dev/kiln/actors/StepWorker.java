package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.time.Duration;
import java.util.Optional;

/**
 * Makes one call at a time, on a thread of its own kind, and tells its end to who wants it and to
 * the pool. Whatever stops the worker interrupts the call.
 */
final class StepWorker extends AbstractOnMessageBehavior<StepWorker.Command> {
  sealed interface Command {}

  /**
   * Makes a call; only told to a worker that makes none.
   *
   * @param name of the call's thread
   * @param queued how long the call waited for its slot
   */
  record Make(
      Attempt attempt,
      String name,
      OpCall call,
      OpSteps.Way way,
      Duration queued,
      ActorRef<StepNews> replyTo)
      implements Command {}

  /** Interrupts the call, if it is still that one. */
  record Cancel(Attempt attempt) implements Command {}

  /** There is no more to do. */
  record Retire() implements Command {}

  private record CallEnded(Attempt attempt, OpEnd end) implements Command {}

  private record Under(Make make, Blocking.Task<OpEnd> task) {}

  private final ActiveOps ops;
  private final ActorRef<StepPool.Command> pool;
  private Optional<Under> under = Optional.empty();

  private StepWorker(
      ActorContext<Command> context, ActiveOps ops, ActorRef<StepPool.Command> pool) {
    super(context);
    this.ops = ops;
    this.pool = pool;
  }

  static Behavior<Command> create(ActiveOps ops, ActorRef<StepPool.Command> pool) {
    return Guarded.behavior(
        Command.class, Behaviors.setup(context -> new StepWorker(context, ops, pool)));
  }

  @Override
  public Behavior<Command> onMessage(Command message) {
    return switch (message) {
      case Make make -> {
        begin(make);
        yield this;
      }
      case Cancel(var attempt) -> {
        under.filter(u -> u.make().attempt().equals(attempt)).ifPresent(u -> u.task().interrupt());
        yield this;
      }
      case CallEnded(var attempt, var end) -> {
        Under ended = under.orElseThrow();
        under = Optional.empty();
        ended.make().replyTo().tell(new StepNews.Ended(attempt, end));
        pool.tell(new StepPool.Free(attempt, getContext().getSelf()));
        yield this;
      }
      case Retire() -> Behaviors.stopped();
    };
  }

  @Override
  public Behavior<Command> onSignal(Signal signal) {
    if (signal instanceof PostStop) {
      under.ifPresent(u -> u.task().interrupt());
    }
    return this;
  }

  private void begin(Make make) {

    Blocking.Task<OpEnd> task =
        make.way() == OpSteps.Way.BLOCKING
            ? Blocking.onPlatform(make.name(), () -> call(make))
            : Blocking.start(make.name(), () -> call(make));
    under = Optional.of(new Under(make, task));
    getContext()
        .pipeToSelf(
            task.done(),
            (end, error) ->
                new CallEnded(
                    make.attempt(),
                    error == null ? end : new OpEnd.Failed(BuildException.of(error))));
  }

  private OpEnd call(Make make) {
    return ops.find(make.attempt().vertex())
        .map(op -> op.make(make.call(), make.queued()))
        .orElseGet(() -> new OpEnd.Failed(new BuildException(Kind.CANCELED, "context canceled")));
  }
}
