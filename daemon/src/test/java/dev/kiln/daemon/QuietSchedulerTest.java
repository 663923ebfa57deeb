package dev.kiln.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.ActorSystem;
import akka.actor.Cancellable;
import akka.actor.Scheduler;
import com.typesafe.config.ConfigFactory;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The actor system's timers keep time, end when told, and sleep in between. */
@Timeout(60)
final class QuietSchedulerTest {
  private static final Duration SOON = Duration.ofMillis(5);
  private static final Duration NEVER = Duration.ofHours(1);

  private final ActorSystem system =
      ActorSystem.create(
          "timers",
          ConfigFactory.parseString(
                  "akka.scheduler.implementation = " + QuietScheduler.class.getName())
              .withFallback(ConfigFactory.load()));
  private final Scheduler scheduler = system.scheduler();

  @AfterEach
  void stop() throws Exception {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().get(10, TimeUnit.SECONDS);
  }

  private Cancellable once(Duration delay, Runnable task) {
    return scheduler.scheduleOnce(delay, task, system.dispatcher());
  }

  @Test
  void isTheOneThatIsConfigured() {
    assertThat(scheduler).isInstanceOf(QuietScheduler.class);
  }

  @Test
  void runsOnceWhenItIsDueAndNotBefore() throws Exception {
    var ran = new CountDownLatch(1);
    long from = System.nanoTime();
    Cancellable timer = once(Duration.ofMillis(50), ran::countDown);
    ran.await();
    assertThat(System.nanoTime() - from).isGreaterThanOrEqualTo(50_000_000);
    assertThat(timer.cancel()).as("it is over").isFalse();
    assertThat(timer.isCancelled()).isFalse();
  }

  @Test
  void whatIsCancelledDoesNotRun() throws Exception {
    var ran = new AtomicInteger();
    Cancellable timer = once(Duration.ofMillis(30), ran::incrementAndGet);
    assertThat(timer.cancel()).isTrue();
    assertThat(timer.cancel()).isFalse();
    assertThat(timer.isCancelled()).isTrue();
    var later = new CountDownLatch(1);
    once(Duration.ofMillis(60), later::countDown);
    later.await();
    assertThat(ran).hasValue(0);
  }

  @Test
  void repeatsUntilItIsCancelled() throws Exception {
    var five = new CountDownLatch(5);
    Cancellable rate =
        scheduler.scheduleAtFixedRate(SOON, SOON, five::countDown, system.dispatcher());
    five.await();
    assertThat(rate.cancel()).isTrue();
    var three = new CountDownLatch(3);
    Cancellable delay =
        scheduler.scheduleWithFixedDelay(SOON, SOON, three::countDown, system.dispatcher());
    three.await();
    assertThat(delay.cancel()).isTrue();
    assertThat(delay.isCancelled()).isTrue();
  }

  @Test
  void afterTheEndNothingIsTaken() throws Exception {
    var ran = new AtomicInteger();
    once(Duration.ofMillis(20), ran::incrementAndGet);
    stop();
    assertThatThrownBy(() -> once(SOON, ran::incrementAndGet))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the actor system has ended");
    assertThat(ran).hasValueLessThanOrEqualTo(1);
  }

  /** Akka's own wakes some ten times in this time. */
  @Test
  void sleepsWhileNothingIsDue() throws Exception {
    once(NEVER, () -> {});
    var warm = new CountDownLatch(1);
    once(SOON, warm::countDown);
    warm.await();
    var threads = ManagementFactory.getThreadMXBean();
    long timer =
        Thread.getAllStackTraces().keySet().stream()
            .filter(t -> t.getName().startsWith("timers-scheduler"))
            .findFirst()
            .orElseThrow()
            .threadId();
    long before = threads.getThreadInfo(timer).getWaitedCount();
    var later = new CountDownLatch(1);
    Thread.ofPlatform()
        .start(() -> {
          java.util.concurrent.locks.LockSupport.parkNanos(100_000_000);
          later.countDown();
        });
    later.await();
    assertThat(threads.getThreadInfo(timer).getWaitedCount() - before).isLessThanOrEqualTo(1);
  }
}
