package dev.kiln.registry;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;

/**
 * At most four transfers at a time to one registry, and one more for small JSON, so that a manifest
 * never waits behind layers. Any thread; first come, first served.
 */
final class HostPermits {
  private static final int TRANSFERS = 4;

  /** Hosts beyond are forgotten while nothing comes from them. */
  private static final int MANY = 1024;

  private final ConcurrentMap<String, Host> hosts = new ConcurrentHashMap<>();

  private record Host(Semaphore large, Semaphore all) {
    boolean isIdle() {
      return all.availablePermits() > TRANSFERS && !large.hasQueuedThreads();
    }
  }

  /** Held until closed; closing twice is harmless. */
  static final class Permit implements AutoCloseable {
    private final Host host;
    private final boolean small;
    private boolean open = true;

    private Permit(Host host, boolean small) {
      this.host = host;
      this.small = small;
    }

    @Override
    public synchronized void close() {
      if (open) {
        open = false;
        host.all.release();
        if (!small) {
          host.large.release();
        }
      }
    }
  }

  Permit take(String domain, boolean small) throws InterruptedException {
    if (hosts.size() >= MANY) {
      hosts.values().removeIf(Host::isIdle); // who took one just now has a few permits too many
    }
    Host host =
        hosts.computeIfAbsent(
            domain,
            _ -> new Host(new Semaphore(TRANSFERS, true), new Semaphore(TRANSFERS + 1, true)));
    if (!small) {
      host.large.acquire();
    }
    try {
      host.all.acquire();
    } catch (InterruptedException e) {
      if (!small) {
        host.large.release();
      }
      throw e;
    }
    return new Permit(host, small);
  }
}
