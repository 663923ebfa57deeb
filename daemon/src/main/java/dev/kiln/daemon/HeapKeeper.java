package dev.kiln.daemon;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryNotificationInfo;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.util.Optional;
import javax.management.Notification;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the heap near what is in use (ADR 0005). The serial collector grows the old generation for
 * as long as the machine has memory before it looks for garbage there; this has it collected when
 * it has doubled since the last time. There is no lower limit than the JVM's own for a build that
 * needs more. Started once; it lasts as long as the process.
 */
final class HeapKeeper implements NotificationListener {
  private static final Logger LOG = LoggerFactory.getLogger(HeapKeeper.class);

  /** Below it a collection is not worth its pause. */
  static final long FLOOR_BYTES = 48L << 20;

  private final MemoryPoolMXBean old;

  private HeapKeeper(MemoryPoolMXBean old) {
    this.old = old;
  }

  /** Begins to watch; does nothing for a collector without an old generation of its own. */
  static void start() {
    Optional<MemoryPoolMXBean> old =
        ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getType() == MemoryType.HEAP && pool.isUsageThresholdSupported())
            .findFirst();
    if (old.isPresent()
        && ManagementFactory.getMemoryMXBean() instanceof NotificationEmitter emitter) {
      var keeper = new HeapKeeper(old.get());
      emitter.addNotificationListener(keeper, null, null);
      keeper.watch();
    }
  }

  /**
   * How full the old generation may get before it is collected.
   *
   * @param usedBytes what a collection left in it
   * @param maxBytes what the JVM lets it grow to, or -1
   */
  static long limit(long usedBytes, long maxBytes) {
    long limit = Math.max(FLOOR_BYTES, 2 * usedBytes);
    return maxBytes < 0 ? limit : Math.min(limit, maxBytes);
  }

  private void watch() {
    var usage = old.getUsage();
    old.setUsageThreshold(limit(usage.getUsed(), usage.getMax()));
  }

  @Override
  public void handleNotification(Notification notification, Object handback) {
    if (notification.getType().equals(MemoryNotificationInfo.MEMORY_THRESHOLD_EXCEEDED)) {
      System.gc();
      watch();
      LOG.debug("collected the old generation: {}", old.getUsage());
    }
  }
}
