package dev.kiln.control;

import dev.kiln.store.PruneRequest;
import dev.kiln.store.Refs;
import dev.kiln.store.UsageRecord;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Removes what the worker's rules let go, and what a user prunes: one at a time. {@link GcActor}
 * says when. Any thread; methods block.
 */
public final class Collector {
  private final Refs refs;
  private final List<PruneRequest> rules;
  private final Runnable wish;
  private final BooleanSupplier idle;
  private final Runnable letGo;
  private final ReentrantLock one = new ReentrantLock();

  /**
   * @param rules in their order; empty: nothing is collected by itself
   * @param wish asks for a collection soon
   * @param idle whether no build runs
   * @param letGo lets go of what is kept for the next builds only
   */
  public Collector(
      Refs refs, List<PruneRequest> rules, Runnable wish, BooleanSupplier idle, Runnable letGo) {
    this.refs = refs;
    this.rules = List.copyOf(rules);
    this.wish = wish;
    this.idle = idle;
    this.letGo = letGo;
  }

  /** Told of each record that is gone; may wait for its reader. */
  interface Removed {
    void accept(UsageRecord record) throws InterruptedException;
  }

  /** Asks for a collection soon; does not block. */
  public void soon() {
    wish.run();
  }

  /** Applies the rules, one after the other. */
  public void collect() throws InterruptedException {
    for (PruneRequest rule : rules) {
      prune(rule, _ -> {});
    }
  }

  /**
   * A user's prune. While no build runs, resolved images are forgotten too, and blobs go at once
   * that nobody keeps (features C-05).
   */
  void pruneByUser(PruneRequest request, Removed removed) throws InterruptedException {
    boolean thorough = idle.getAsBoolean();
    if (thorough) {
      letGo.run();
    }
    prune(request, removed);
    if (thorough) {
      refs.sweepBlobs(Duration.ZERO);
    }
  }

  private void prune(PruneRequest request, Removed removed) throws InterruptedException {
    var interrupted = new AtomicBoolean();
    one.lockInterruptibly();
    try {
      refs.prune(
          request,
          record -> {
            try {
              removed.accept(record);
            } catch (InterruptedException e) {
              interrupted.set(true); // the caller left: what is gone is gone, and the rest stays
              Thread.currentThread().interrupt();
            }
          });
    } finally {
      one.unlock();
    }
    if (interrupted.get()) {
      throw new InterruptedException();
    }
  }
}
