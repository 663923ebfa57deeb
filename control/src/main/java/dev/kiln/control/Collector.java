package dev.kiln.control;

import dev.kiln.config.GoDuration;
import dev.kiln.store.PruneRequest;
import dev.kiln.store.Refs;
import dev.kiln.store.UsageRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Removes what the worker's rules let go, and what a user prunes: one at a time. {@link GcActor}
 * says when. Any thread; methods block.
 */
public final class Collector {
  private static final Logger LOG = LoggerFactory.getLogger(Collector.class);

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
    for (int i = 0; i < rules.size(); i++) {
      var gone = new Tally(_ -> {});
      prune(rules.get(i), gone);
      if (gone.records > 0) {
        gone.event(rules.get(i)).log("cache collected");
      }
    }
  }

  /** Counts what goes. */
  private static final class Tally implements Removed {
    private final Removed next;
    private int records;
    private long bytes;

    Tally(Removed next) {
      this.next = next;
    }

    @Override
    public void accept(UsageRecord record) throws InterruptedException {
      records++;
      bytes += record.sizeBytes();
      next.accept(record);
    }

    LoggingEventBuilder event(PruneRequest rule) {
      return LOG.atInfo()
          .addKeyValue("records", records)
          .addKeyValue("bytes", bytes)
          .addKeyValue("rule", shown(rule));
    }
  }

  /** What a rule says; a bound that it leaves open is left out. */
  static String shown(PruneRequest rule) {
    var said = new ArrayList<String>();
    said.add("all=" + rule.all());
    if (!rule.filters().isEmpty()) {
      said.add("filters=" + rule.filters());
    }
    if (!rule.keepDuration().isZero()) {
      said.add("keepDuration=" + GoDuration.text(rule.keepDuration()));
    }
    var sizes = new LinkedHashMap<String, Long>();
    sizes.put("reserved", rule.reservedBytes());
    sizes.put("maxUsed", rule.maxUsedBytes());
    sizes.put("minFree", rule.minFreeBytes());
    sizes.values().removeIf(bytes -> bytes == 0);
    sizes.forEach((name, bytes) -> said.add(name + "=" + bytes));
    return String.join(" ", said);
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
    var gone = new Tally(removed);
    try {
      prune(request, gone);
      if (thorough) {
        refs.sweepBlobs(Duration.ZERO);
      }
    } finally {
      gone.event(request).log("cache pruned");
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
