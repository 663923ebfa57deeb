package dev.kiln.control;

import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import io.opentelemetry.context.Context;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Counts the builds under way, so that the daemon can let them end before what they use. Any
 * thread.
 */
public final class RunningBuilds implements Builds {
  private final Builds builds;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition none = lock.newCondition();
  private int running;

  public RunningBuilds(Builds builds) {
    this.builds = builds;
  }

  @Override
  public SolveResponse solve(SolveRequest request, Context caller) throws Exception {
    count(1);
    try {
      return builds.solve(request, caller);
    } finally {
      count(-1);
    }
  }

  private void count(int change) {
    lock.lock();
    try {
      running += change;
      if (running == 0) {
        none.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether no build runs at this moment. */
  public boolean none() {
    lock.lock();
    try {
      return running == 0;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until no build runs; false where some still do after {@code patience}. */
  public boolean awaitNone(Duration patience) throws InterruptedException {
    long left = patience.toNanos();
    lock.lockInterruptibly();
    try {
      while (running > 0) {
        if (left <= 0) {
          return false;
        }
        left = none.awaitNanos(left);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }
}
