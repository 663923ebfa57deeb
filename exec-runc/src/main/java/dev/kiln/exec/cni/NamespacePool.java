package dev.kiln.exec.cni;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lends network namespaces to steps. What comes back is lent again, the latest first; so many as
 * wanted are kept ready, and what is above that goes after five idle minutes. A step with a name of
 * its own gets a namespace of its own. Any thread that may block.
 */
public final class NamespacePool implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NamespacePool.class);
  private static final Duration GRACE = Duration.ofMinutes(5);

  private static final Duration LAST = Duration.ofSeconds(10);

  private final Maker maker;
  private final int target;
  private final Deque<Idle> idle = new ArrayDeque<>(); // the latest used is last
  private int size; // lent or idle, but those of a name
  private int busy; // being made, lent or being removed
  private boolean closed;

  /** Makes and removes the namespaces; each call blocks. */
  interface Maker {
    /**
     * @param hostname empty for one that any step may have
     */
    NetworkNamespace make(String hostname) throws IOException;

    void remove(NetworkNamespace namespace) throws IOException;

    /** After the last namespace. */
    default void close() throws IOException {}
  }

  private record Idle(NetworkNamespace namespace, Instant until) {}

  /**
   * Makes the first namespace, so that a network that does not work is known at once, and then the
   * others behind it.
   *
   * @param target how many to keep
   */
  NamespacePool(Maker maker, int target) throws IOException {
    this.maker = maker;
    this.target = target;
    this.busy = 1;
    try {
      giveBack(make(""));
    } catch (IOException | BuildException e) {
      maker.close();
      throw e;
    }
    if (target > 1) {
      Blocking.onPlatform("fill-networks", this::fill);
    }
  }

  /**
   * A namespace, which the caller gives back.
   *
   * @param hostname the name that the step was given; empty for none
   */
  public NetworkNamespace take(String hostname) throws InterruptedException {
    synchronized (this) {
      if (closed) {
        throw new BuildException(Kind.UNAVAILABLE, "no network: the daemon is stopping");
      }
      busy++;
      if (hostname.isEmpty() && !idle.isEmpty()) {
        return idle.removeLast().namespace();
      }
    }
    // on a thread that nobody interrupts: what is half made could not be taken down
    var made = Blocking.onPlatform("network", () -> make(hostname)).done().toCompletableFuture();
    try {
      return made.get();
    } catch (InterruptedException e) {
      made.thenAccept(this::giveBack);
      throw e;
    } catch (ExecutionException e) {
      throw BuildException.of(e).wrap("failed to set up the step's network");
    }
  }

  /** For one who has counted it as busy. */
  private NetworkNamespace make(String hostname) throws IOException {
    boolean made = false;
    try {
      NetworkNamespace namespace = maker.make(hostname);
      made = true;
      synchronized (this) {
        size += hostname.isEmpty() ? 1 : 0;
      }
      return namespace;
    } finally {
      if (!made) {
        ended();
      }
    }
  }

  private Void fill() {
    try {
      while (startsOneMore()) {
        giveBack(make(""));
      }
    } catch (IOException | BuildException e) {
      LOG.warn("network namespaces could not be made ahead", e);
    }
    return null;
  }

  private synchronized boolean startsOneMore() {
    boolean more = !closed && size < target;
    busy += more ? 1 : 0;
    return more;
  }

  /** Takes back what {@link #take} gave, when nothing runs in it any more. */
  public void giveBack(NetworkNamespace namespace) {
    synchronized (this) {
      if (!closed && namespace.args().isEmpty()) {
        idle.addLast(new Idle(namespace, Instant.now().plus(GRACE)));
        busy--;
        if (size > target) {
          shrinkLater();
        }
        return;
      }
    }
    remove(namespace);
  }

  private void shrinkLater() {
    CompletableFuture.delayedExecutor(
            GRACE.toMillis(),
            TimeUnit.MILLISECONDS,
            task -> Blocking.onPlatform("shrink-networks", Executors.callable(task)))
        .execute(() -> shrink(Instant.now()));
  }

  /** Removes what has been idle too long, down to the target. */
  void shrink(Instant now) {
    var old = new ArrayList<NetworkNamespace>();
    synchronized (this) {
      while (size > target && !idle.isEmpty() && !now.isBefore(idle.getFirst().until())) {
        old.add(idle.removeFirst().namespace());
        size--;
        busy++;
      }
    }
    old.forEach(this::remove);
  }

  /** For one who has counted it as busy. */
  private void remove(NetworkNamespace namespace) {
    try {
      maker.remove(namespace);
    } catch (IOException | BuildException e) {
      LOG.warn("not all of network namespace {} could be removed", namespace.id(), e);
    } finally {
      ended();
    }
  }

  private synchronized void ended() {
    busy--;
    notifyAll();
  }

  /** Removes all, and waits ten seconds at most for what is lent: the steps have been stopped. */
  @Override
  public void close() throws IOException {
    var last = new ArrayList<NetworkNamespace>();
    synchronized (this) {
      closed = true;
      idle.forEach(each -> last.add(each.namespace()));
      idle.clear();
      busy += last.size();
    }
    last.forEach(this::remove);
    try {
      awaitNoneBusy();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    maker.close();
  }

  private synchronized void awaitNoneBusy() throws InterruptedException {
    long end = System.nanoTime() + LAST.toNanos();
    for (long left = LAST.toMillis(); busy > 0 && left > 0; ) {
      wait(left);
      left = Duration.ofNanos(end - System.nanoTime()).toMillis();
    }
    if (busy > 0) {
      LOG.warn("{} network namespaces are still in use", busy);
    }
  }
}
