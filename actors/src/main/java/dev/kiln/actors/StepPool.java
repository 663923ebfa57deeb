package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.ChildFailed;
import akka.actor.typed.Signal;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.TimerScheduler;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The workers that make all calls of ops, and the slots that bound how many steps run at once.
 * Builds take turns at the slots ({@link FairQueue}); who waits is told its place each second.
 * Calls that need no slot (keys, loads, builds within steps) are made at once and counted apart.
 */
final class StepPool extends AbstractOnMessageBehavior<StepPool.Command> {
  sealed interface Command {}

  /**
   * Makes a call as soon as it may; {@link StepNews.Ended} is its one answer.
   *
   * @param name of the call's thread
   * @param builds the builds that wait for it
   */
  record Submit(
      Attempt attempt,
      String name,
      OpCall call,
      OpSteps.Way way,
      boolean needsSlot,
      List<String> builds,
      ActorRef<StepNews> replyTo)
      implements Command {
    Submit {
      builds = List.copyOf(builds);
    }
  }

  /** Nobody waits for the call any more; it ends all the same. */
  record Cancel(Attempt attempt) implements Command {}

  /** Other builds wait for the call than before. */
  record Builds(Attempt attempt, List<String> builds) implements Command {
    Builds {
      builds = List.copyOf(builds);
    }
  }

  /** A worker's word that its call is over. */
  record Free(Attempt attempt, ActorRef<StepWorker.Command> worker) implements Command {}

  private enum Tick implements Command {
    /** Who waits is told its place. */
    NEWS,
    /** Processors may be idle. */
    LOOK
  }

  /**
   * Who waits is told its place after this time, then after one, two, four, eight of it, so that
   * what thousands of steps tell of their waiting stays little.
   */
  private static final Duration NEWS = Duration.ofSeconds(1);

  /** How often the processors are looked at while steps wait for them; a start takes as long. */
  private static final Duration LOOK = Duration.ofMillis(20);

  /**
   * After so many looks at busy processors one step begins all the same: they may be busy with
   * other things than steps.
   */
  private static final int PATIENCE = 5;

  private static final class Waiting {
    final Submit submit;
    final Instant since = Instant.now();

    /** Ticks until it is told its place, and how many were between the last two times. */
    int ticks = 1;

    int pause = 1;

    Waiting(Submit submit) {
      this.submit = submit;
    }

    boolean wasTold() {
      return pause > 1;
    }
  }

  /**
   * A call under way.
   *
   * @param build at whose turn it began; empty where it needed no slot
   */
  private record Running(Submit submit, String build, ActorRef<StepWorker.Command> worker) {}

  private final StepLimits limits;
  private final ActiveOps ops;
  private final Consumer<StepFigures> figures;
  private final TimerScheduler<Command> timers;
  private final FairQueue<Waiting> queue = new FairQueue<>();
  private final Map<Attempt, Waiting> waiting = new HashMap<>();
  private final Map<Attempt, Running> running = new HashMap<>();
  private final Deque<ActorRef<StepWorker.Command>> idle = new ArrayDeque<>();

  /** Steps that have a slot, by the build at whose turn they got it. */
  private final Map<String, Integer> byBuild = new HashMap<>();

  private int slotsUsed;
  private int looks;
  private long workers;

  private StepPool(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      StepLimits limits,
      ActiveOps ops,
      Consumer<StepFigures> figures) {
    super(context);
    this.timers = timers;
    this.limits = limits;
    this.ops = ops;
    this.figures = figures;
    tellFigures();
  }

  /**
   * @param limits how many calls that need a slot are made at once
   * @param figures is told how the pool stands whenever that changes
   */
  static Behavior<Command> create(StepLimits limits, ActiveOps ops, Consumer<StepFigures> figures) {
    return Guarded.behavior(
        Command.class,
        Behaviors.setup(context ->
            Behaviors.withTimers(timers -> new StepPool(context, timers, limits, ops, figures))));
  }

  @Override
  public Behavior<Command> onMessage(Command message) {
    switch (message) {
      case Submit submit -> onSubmit(submit);
      case Cancel(var attempt) -> onCancel(attempt);
      case Builds(var attempt, var builds) -> onBuilds(attempt, builds);
      case Free(var attempt, var worker) -> onFree(attempt, worker);
      case Tick.NEWS -> tellPlaces();
      case Tick.LOOK -> onLook();
    }
    tellFigures();
    return this;
  }

  private void tellFigures() {
    figures.accept(
        new StepFigures(limits.slots(), slotsUsed, waiting.size(), running.size() - slotsUsed));
  }

  @Override
  public Behavior<Command> onSignal(Signal signal) {
    switch (signal) {
      case ChildFailed failed -> onGone(failed.getRef(), failed.getCause());
      case Terminated ended -> onGone(ended.getRef(), new IllegalStateException("stopped"));
      default -> {}
    }
    tellFigures();
    return this;
  }

  private void onSubmit(Submit submit) {
    if (!submit.needsSlot()) {
      begin(submit, "", Duration.ZERO);
      return;
    }
    var waits = new Waiting(submit);
    waiting.put(submit.attempt(), waits);
    queue.add(waits, submit.builds());
    fillSlots();
  }

  private void onBuilds(Attempt attempt, List<String> builds) {
    Waiting waits = waiting.get(attempt);
    if (waits != null) {
      queue.builds(waits, builds);
    }
  }

  private void onCancel(Attempt attempt) {
    Waiting waits = waiting.remove(attempt);
    if (waits != null) {
      queue.remove(waits);
      answer(waits.submit, new BuildException(Kind.CANCELED, "context canceled"));
      return;
    }
    Running runs = running.get(attempt);
    if (runs != null) {
      runs.worker().tell(new StepWorker.Cancel(attempt));
    }
  }

  private void onFree(Attempt attempt, ActorRef<StepWorker.Command> worker) {
    release(attempt);
    if (idle.size() < limits.slots()) {
      idle.push(worker);
    } else {
      getContext().unwatch(worker);
      worker.tell(new StepWorker.Retire());
    }
    fillSlots();
  }

  /** Who waits for the call of a worker that failed is told; its slot is free. */
  private void onGone(ActorRef<?> worker, Throwable cause) {
    idle.removeIf(worker::equals);
    running.values().stream()
        .filter(r -> r.worker().equals(worker))
        .findFirst()
        .ifPresent(r -> {
          getContext().getLog().error("the worker of a step ended before the step", cause);
          release(r.submit().attempt());
          answer(
              r.submit(),
              new BuildException(
                  Kind.INTERNAL, "the worker of the step failed: " + cause.getMessage(), cause));
        });
    fillSlots();
  }

  private static void answer(Submit submit, BuildException why) {
    submit.replyTo().tell(new StepNews.Ended(submit.attempt(), new OpEnd.Failed(why)));
  }

  private void release(Attempt attempt) {
    Running was = running.remove(attempt);
    if (was != null && was.submit().needsSlot()) {
      slotsUsed--;
      byBuild.computeIfPresent(was.build(), (_, n) -> n == 1 ? null : n - 1);
    }
  }

  private void onLook() {
    looks = fillSlots() ? 0 : looks + 1;
    if (looks >= PATIENCE && !waiting.isEmpty() && slotsUsed < limits.slots()) {
      looks = 0;
      queue.next().ifPresent(this::grant);
    }
  }

  /** Whether a step has begun. */
  private boolean fillSlots() {
    int before = slotsUsed;
    if (!waiting.isEmpty()) {
      for (int more = limits.more(slotsUsed); more > 0 && queue.size() > 0; more--) {
        queue.next().ifPresent(this::grant);
      }
      Predicate<String> hasFew = build -> byBuild.getOrDefault(build, 0) < limits.each();
      for (var own = queue.next(hasFew); own.isPresent(); own = queue.next(hasFew)) {
        grant(own.get());
      }
    }
    tick(Tick.NEWS, NEWS, !waiting.isEmpty());
    tick(Tick.LOOK, LOOK, !waiting.isEmpty() && slotsUsed < limits.slots());
    return slotsUsed > before;
  }

  private void grant(FairQueue.Next<Waiting> next) {
    Waiting waits = next.item();
    waiting.remove(waits.submit.attempt());
    Instant now = Instant.now();
    if (waits.wasTold()) {
      waits.submit.replyTo().tell(new StepNews.Begins(waits.submit.attempt(), waits.since, now));
    }
    slotsUsed++;
    byBuild.merge(next.build(), 1, Integer::sum);
    begin(waits.submit, next.build(), Duration.between(waits.since, now));
  }

  private void tick(Tick tick, Duration every, boolean wanted) {
    if (!wanted) {
      timers.cancel(tick);
    } else if (!timers.isTimerActive(tick)) {
      timers.startTimerWithFixedDelay(tick, tick, every);
    }
  }

  private void begin(Submit submit, String build, Duration queued) {
    ActorRef<StepWorker.Command> worker = idle.isEmpty() ? newWorker() : idle.pop();
    running.put(submit.attempt(), new Running(submit, build, worker));
    worker.tell(
        new StepWorker.Make(
            submit.attempt(),
            submit.name(),
            submit.call(),
            submit.way(),
            queued,
            submit.replyTo()));
  }

  private ActorRef<StepWorker.Command> newWorker() {
    ActorRef<StepWorker.Command> worker =
        getContext().spawn(StepWorker.create(ops, getContext().getSelf()), "worker-" + ++workers);
    getContext().watch(worker);
    return worker;
  }

  private void tellPlaces() {
    List<Waiting> order = queue.order();
    for (int i = 0; i < order.size(); i++) {
      Waiting waits = order.get(i);
      if (--waits.ticks > 0) {
        continue;
      }
      waits.ticks = waits.pause;
      waits.pause *= 2;
      Submit submit = waits.submit;
      submit.replyTo().tell(new StepNews.Waits(submit.attempt(), i + 1, order.size(), waits.since));
    }
  }
}
