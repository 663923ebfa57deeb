package dev.kiln.daemon;

import akka.actor.AbstractScheduler;
import akka.actor.Cancellable;
import akka.actor.Scheduler;
import akka.event.LoggingAdapter;
import com.typesafe.config.Config;
import java.io.Closeable;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import scala.concurrent.ExecutionContext;
import scala.concurrent.duration.FiniteDuration;

/**
 * The timers of actors and streams, over the JDK's: its thread sleeps until the next one is due,
 * where Akka's own wakes a hundred times a second, also in a daemon that does nothing. Any thread;
 * the actor system makes it by its name in the configuration, and closes it.
 */
public final class QuietScheduler extends AbstractScheduler implements Closeable {
  private final ScheduledThreadPoolExecutor timer;

  /** What Akka has run at the end where it has not come to it before. */
  private final Set<Scheduler.TaskRunOnClose> atClose = ConcurrentHashMap.newKeySet();

  /** The constructor that Akka calls. */
  public QuietScheduler(Config config, LoggingAdapter log, ThreadFactory threads) {
    timer = new ScheduledThreadPoolExecutor(1, threads);
    timer.setRemoveOnCancelPolicy(true);
    timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    timer.setContinueExistingPeriodicTasksAfterShutdownPolicy(false);
  }

  private record Timer(Future<?> task) implements Cancellable {
    @Override
    public boolean cancel() {
      return task.cancel(false);
    }

    @Override
    public boolean isCancelled() {
      return task.isCancelled();
    }
  }

  @Override
  public Cancellable scheduleOnce(FiniteDuration delay, Runnable task, ExecutionContext on) {
    if (task instanceof Scheduler.TaskRunOnClose last) {
      atClose.add(last);
    }
    return timer(() -> timer.schedule(() -> run(task, on), delay.toNanos(), TimeUnit.NANOSECONDS));
  }

  @Override
  public Cancellable schedule(
      FiniteDuration first, FiniteDuration every, Runnable task, ExecutionContext on) {
    return timer(() ->
        timer.scheduleAtFixedRate(
            () -> on.execute(task), first.toNanos(), every.toNanos(), TimeUnit.NANOSECONDS));
  }

  private void run(Runnable task, ExecutionContext on) {
    if (task instanceof Scheduler.TaskRunOnClose last) {
      atClose.remove(last);
    }
    on.execute(task);
  }

  private static Cancellable timer(java.util.function.Supplier<Future<?>> scheduling) {
    try {
      return new Timer(scheduling.get());
    } catch (RejectedExecutionException e) {
      throw new IllegalStateException("the actor system has ended", e);
    }
  }

  /** Timers are as fine as the machine's; Akka asks for periods of a millisecond at least. */
  @Override
  public double maxFrequency() {
    return 1_000;
  }

  @Override
  public void close() {
    timer.shutdownNow();
    atClose.forEach(Runnable::run);
    atClose.clear();
  }
}
