package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.PoisonPill;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.ManualTime;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.Adapter;
import dev.kiln.model.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The pool bounds, shares and answers, whatever becomes of its workers. */
@Timeout(60)
final class StepPoolTest {
  private static final OpCall.Run RUN = new OpCall.Run(List.of());

  private final ActorTestKit kit = ActorTestKit.create(ManualTime.config());
  private final ManualTime time = ManualTime.get(kit.system());
  private final ActiveOps ops = new ActiveOps();
  private final TestProbe<StepNews> news = kit.createTestProbe();
  private final CountDownLatch open = new CountDownLatch(1);
  private final AtomicInteger now = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();
  private final CountDownLatch firstRuns = new CountDownLatch(1);
  private final List<Long> order = Collections.synchronizedList(new ArrayList<>());
  private final AtomicReference<StepFigures> figures = new AtomicReference<>();

  /** How often the pool has told how it stands: after each message. */
  private final AtomicInteger heard = new AtomicInteger();

  private ActorRef<StepPool.Command> pool =
      kit.spawn(StepPool.create(limits(1), ops, figures::set), "pool");

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
  }

  private static StepLimits limits(int slots) {
    return StepLimits.of(OptionalInt.of(slots), () -> 0);
  }

  private StepFigures figures() {
    return Objects.requireNonNull(figures.get());
  }

  private void pool(int slots) {
    pool = kit.spawn(StepPool.create(limits(slots), ops, figures::set), "pool-of-" + slots);
  }

  /** An op whose calls wait until {@link #open} is. */
  private Attempt waits(long vertex) {
    ops.add(
        vertex,
        (call, queued) -> {
          most.accumulateAndGet(now.incrementAndGet(), Math::max);
          order.add(vertex);
          firstRuns.countDown();
          try {
            open.await();
          } catch (InterruptedException e) {
            return new OpEnd.Failed(dev.kiln.model.BuildException.of(e));
          } finally {
            now.decrementAndGet();
          }
          return new OpEnd.Ran(List.of(Optional.empty()), Instant.EPOCH, Instant.EPOCH);
        });
    return new Attempt(vertex, 1);
  }

  private void submit(Attempt attempt, boolean needsSlot, String... builds) {
    pool.tell(
        new StepPool.Submit(
            attempt, "call", RUN, OpSteps.Way.WAITING, needsSlot, List.of(builds), news.ref()));
  }

  private StepNews.Ended ended() {
    StepNews message = news.receiveMessage(Duration.ofSeconds(10));
    while (!(message instanceof StepNews.Ended)) {
      message = news.receiveMessage(Duration.ofSeconds(10));
    }
    return (StepNews.Ended) message;
  }

  private void assertFailed(StepNews.Ended ended, Attempt attempt, Kind kind) {
    assertThat(ended.attempt()).isEqualTo(attempt);
    assertThat(ended.end())
        .isInstanceOfSatisfying(
            OpEnd.Failed.class, f -> assertThat(f.cause().kind()).isEqualTo(kind));
  }

  @Test
  void noMoreThanTheSlotsAtOnceAndBesideThemWhatNeedsNone() throws Exception {
    pool(2);
    for (int i = 1; i <= 6; i++) {
      submit(waits(i), true, "a");
    }
    submit(waits(7), false, "a");
    SolverFixture.eventually(news, () -> assertThat(now).hasValue(3));
    awaitFigures(new StepFigures(2, 2, 4, 1));
    open.countDown();
    for (int i = 1; i <= 7; i++) {
      assertThat(ended().end()).isInstanceOf(OpEnd.Ran.class);
    }
    assertThat(most).hasValue(3);
  }

  @Test
  void beyondAFewStepsBeginOnlyWhileProcessorsAreIdle() throws Exception {
    var runnable = new AtomicInteger(100);
    pool =
        kit.spawn(
            StepPool.create(new StepLimits(8, 0, 2, runnable::get, 2), ops, this::heard), "busy");
    for (int i = 1; i <= 10; i++) {
      submit(waits(i), true, "a");
    }
    awaitFigures(new StepFigures(8, 2, 8, 0));
    for (int look = 1; look <= 4; look++) {
      look();
      assertThat(figures().running()).as("busy at look %d", look).isEqualTo(2);
    }
    look();
    assertThat(figures().running()).as("one all the same").isEqualTo(3);
    runnable.set(3); // room for one more at a time
    for (int more = 4; more <= 8; more++) {
      look();
      assertThat(figures()).isEqualTo(new StepFigures(8, more, 10 - more, 0));
    }
    open.countDown();
    for (int i = 1; i <= 10; i++) {
      assertThat(ended().end()).isInstanceOf(OpEnd.Ran.class);
    }
  }

  /** Lets the pool look at the processors once. */
  private void look() {
    int before = heard.get();
    time.timePasses(Duration.ofMillis(20));
    SolverFixture.eventually(news, () -> assertThat(heard).hasValueGreaterThan(before));
  }

  private void awaitFigures(StepFigures expected) {
    SolverFixture.eventually(news, () -> assertThat(figures()).isEqualTo(expected));
  }

  private void heard(StepFigures now) {
    figures.set(now);
    heard.incrementAndGet();
  }

  @Test
  void aBuildHasAFewStepsOfItsOwnWhateverOthersHold() throws Exception {
    pool =
        kit.spawn(StepPool.create(new StepLimits(2, 1, 2, () -> 100, 2), ops, this::heard), "own");
    for (int i = 1; i <= 4; i++) {
      submit(waits(i), true, "large");
    }
    awaitFigures(new StepFigures(2, 2, 2, 0));
    submit(waits(5), true, "small");
    submit(waits(6), true, "small");
    awaitFigures(new StepFigures(2, 3, 3, 0));
    SolverFixture.eventually(news, () -> assertThat(order).contains(5L).doesNotContain(6L));
    open.countDown();
    for (int i = 1; i <= 6; i++) {
      assertThat(ended().end()).isInstanceOf(OpEnd.Ran.class);
    }
  }

  @Test
  void whoWaitsIsToldItsPlaceEverMoreSeldom() throws Exception {
    submit(waits(1), true, "a");
    firstRuns.await();
    submit(waits(2), true, "a");
    awaitFigures(new StepFigures(1, 1, 1, 0));
    var told = new ArrayList<Integer>();
    for (int second = 1; second <= 20; second++) {
      time.timePasses(Duration.ofSeconds(1));
      var barrier = new Attempt(1_000 + second, 1); // of no vertex: it ends at once
      submit(barrier, false, "a");
      StepNews message = news.receiveMessage();
      while (!message.attempt().equals(barrier)) {
        told.add(second);
        message = news.receiveMessage();
      }
    }
    assertThat(told).containsExactly(1, 2, 4, 8, 16);
    open.countDown();
  }

  @Test
  void buildsTakeTurns() throws Exception {
    submit(waits(1), true, "large");
    firstRuns.await();
    submit(waits(2), true, "large");
    submit(waits(3), true, "large");
    submit(waits(4), true, "small");
    open.countDown();
    for (int i = 1; i <= 4; i++) {
      ended();
    }
    assertThat(order).containsExactly(1L, 2L, 4L, 3L);
  }

  @Test
  void whoWaitsIsToldItsPlaceAndWhenItBegins() throws Exception {
    submit(waits(1), true, "a");
    firstRuns.await();
    Attempt second = waits(2);
    submit(second, true, "a");
    submit(waits(3), true, "a");
    awaitFigures(new StepFigures(1, 1, 2, 0));
    time.timePasses(Duration.ofSeconds(1));
    var waiting = news.expectMessageClass(StepNews.Waits.class, Duration.ofSeconds(10));
    assertThat(waiting.attempt()).isEqualTo(second);
    assertThat(waiting.place()).isEqualTo(1);
    assertThat(waiting.of()).isEqualTo(2);
    open.countDown();
    StepNews message = news.receiveMessage();
    while (!(message instanceof StepNews.Begins)) {
      message = news.receiveMessage();
    }
    assertThat(message.attempt()).isEqualTo(second);
    assertThat(((StepNews.Begins) message).at()).isAfter(waiting.since());
  }

  @Test
  void cancelledWhileItWaitsItEndsAtOnceAndNeverRuns() throws Exception {
    submit(waits(1), true, "a");
    firstRuns.await();
    Attempt second = waits(2);
    submit(second, true, "a");
    pool.tell(new StepPool.Cancel(second));
    assertFailed(ended(), second, Kind.CANCELED);
    open.countDown();
    ended();
    assertThat(order).containsExactly(1L);
  }

  @Test
  void cancelledWhileItRunsItIsInterruptedAndItsSlotIsFree() throws Exception {
    Attempt first = waits(1);
    submit(first, true, "a");
    firstRuns.await();
    pool.tell(new StepPool.Cancel(first));
    assertFailed(ended(), first, Kind.CANCELED);
    open.countDown();
    submit(waits(2), true, "a");
    assertThat(ended().end()).isInstanceOf(OpEnd.Ran.class);
  }

  @Test
  void endOfAWorkerIsTheEndOfItsCallAloneAndItsSlotIsFree() throws Exception {
    pool(2);
    Attempt first = waits(1);
    submit(first, true, "a");
    firstRuns.await();
    Attempt second = waits(2);
    submit(second, true, "b");
    SolverFixture.eventually(news, () -> assertThat(now).hasValue(2));
    Attempt third = waits(3);
    submit(third, true, "b");
    Adapter.toClassic(kit.system())
        .actorSelection(pool.path().child("worker-1"))
        .tell(PoisonPill.getInstance(), akka.actor.ActorRef.noSender());
    assertFailed(ended(), first, Kind.INTERNAL);
    SolverFixture.eventually(news, () -> assertThat(order).containsExactlyInAnyOrder(1L, 2L, 3L));
    open.countDown();
    assertThat(List.of(ended().attempt(), ended().attempt()))
        .containsExactlyInAnyOrder(second, third);
    SolverFixture.eventually(
        news,
        () -> assertThat(now).as("the call of the worker that ended was interrupted").hasValue(0));
  }

  @Test
  void callOfAVertexThatIsGoneIsCancelled() {
    var attempt = new Attempt(99, 1);
    submit(attempt, true, "a");
    assertFailed(ended(), attempt, Kind.CANCELED);
  }

  @Test
  void callThatThrowsFreesItsSlot() throws Exception {
    ops.add(
        5,
        (call, queued) -> {
          throw new IllegalStateException("broken");
        });
    submit(new Attempt(5, 1), true, "a");
    assertFailed(ended(), new Attempt(5, 1), Kind.INTERNAL);
    open.countDown();
    submit(waits(6), true, "a");
    assertThat(ended().end()).isInstanceOf(OpEnd.Ran.class);
    assertThat(firstRuns.await(1, TimeUnit.SECONDS)).isTrue();
  }
}
