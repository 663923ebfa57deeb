package dev.kiln.control;

import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.TimerScheduler;
import dev.kiln.control.history.BuildHistory;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says when the cache is collected: a second after the start and after each build, at most once a
 * minute; and when the history is, every two minutes. Both as BuildKit v0.22 does ({@code
 * control/control.go}, {@code solver/llbsolver/history.go}). A collection runs on a platform
 * thread, which a stop interrupts.
 */
public final class GcActor extends AbstractOnMessageBehavior<GcActor.Command> {
  private static final Logger LOG = LoggerFactory.getLogger(GcActor.class);
  private static final Duration DELAY = Duration.ofSeconds(1);
  private static final Duration AT_MOST_EVERY = Duration.ofMinutes(1);
  private static final Duration HISTORY_EVERY = Duration.ofSeconds(120);

  /** What it is told. */
  public sealed interface Command {}

  /** A build ended, or something was let go. */
  public record Soon() implements Command {}

  private record Collect() implements Command {}

  private record Collected() implements Command {}

  private record CollectHistory() implements Command {}

  private final TimerScheduler<Command> timers;
  private final Opening<Backend> backend;
  private Optional<Blocking.Task<Boolean>> running = Optional.empty();
  private boolean resting;
  private boolean wanted;

  private GcActor(
      ActorContext<Command> context, TimerScheduler<Command> timers, Opening<Backend> backend) {
    super(context);
    this.timers = timers;
    this.backend = backend;
    timers.startTimerWithFixedDelay(new CollectHistory(), HISTORY_EVERY);
    context.getSelf().tell(new Soon());
  }

  public static Behavior<Command> create(Opening<Backend> backend) {
    return Behaviors.supervise(
            Behaviors.<Command>setup(
                context -> Behaviors.withTimers(timers -> new GcActor(context, timers, backend))))
        .onFailure(SupervisorStrategy.restart());
  }

  @Override
  public Behavior<Command> onMessage(Command message) {
    switch (message) {
      case Soon _ -> onSoon();
      case Collect _ -> onCollect();
      case Collected _ -> onCollected();
      case CollectHistory _ -> onHistory();
    }
    return this;
  }

  private void onSoon() {
    wanted = true;
    if (!resting && running.isEmpty() && !timers.isTimerActive(Collect.class)) {
      timers.startSingleTimer(Collect.class, new Collect(), DELAY);
    }
  }

  private void onCollect() {
    if (running.isPresent()) {
      return;
    }
    if (resting) {
      resting = false;
      if (!wanted) {
        return;
      }
    }
    wanted = false;
    var task =
        Blocking.onPlatform(
            "gc",
            () -> {
              backend.await().gc().collect();
              return true;
            });
    running = Optional.of(task);
    getContext()
        .pipeToSelf(
            task.done(),
            (_, failure) -> {
              if (failure != null && BuildException.of(failure).kind() != Kind.CANCELED) {
                LOG.error("the cache could not be collected", failure);
              }
              return new Collected();
            });
  }

  private void onCollected() {
    running = Optional.empty();
    resting = true;
    timers.startSingleTimer(Collect.class, new Collect(), AT_MOST_EVERY);
  }

  private void onHistory() {
    var task =
        Blocking.start(
            "gc-history",
            () -> {
              BuildHistory history = backend.await().history();
              history.collect();
              return true;
            });
    var _ =
        task.done()
            .whenComplete((_, failure) -> {
              if (failure != null) {
                LOG.error("the history could not be collected", failure);
              }
            });
  }

  @Override
  public Behavior<Command> onSignal(Signal signal) {
    if (signal instanceof PostStop) {
      running.ifPresent(Blocking.Task::interrupt);
    }
    return this;
  }
}
