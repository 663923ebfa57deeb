package dev.kiln.store;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;

/**
 * Work that must be done once however many ask for it at the same time: the first caller does it,
 * the others wait. Where the first is interrupted, one of those who wait does it instead. Any
 * thread.
 *
 * @param <K> names the work
 */
final class SingleFlight<K> {
  private final ConcurrentHashMap<K, CompletableFuture<Boolean>> flights =
      new ConcurrentHashMap<>();

  /** Returns when the work was done, by this caller or another one; throws what it threw. */
  void run(K key, Callable<?> work) throws Exception {
    while (true) {
      var mine = new CompletableFuture<Boolean>();
      var theirs = flights.putIfAbsent(key, mine);
      if (theirs == null) {
        lead(key, mine, work);
        return;
      }
      if (follow(theirs)) {
        return;
      }
    }
  }

  private void lead(K key, CompletableFuture<Boolean> mine, Callable<?> work) throws Exception {
    try {
      work.call();
      flights.remove(key, mine);
      mine.complete(true);
    } catch (Throwable e) {
      flights.remove(key, mine);
      if (isGivenUp(e)) {
        mine.complete(false); // who waits goes on alone
      } else {
        mine.completeExceptionally(e);
      }
      throw e;
    }
  }

  /** An interrupt also shows as a closed channel. */
  private static boolean isGivenUp(Throwable e) {
    return Thread.currentThread().isInterrupted() || BuildException.of(e).kind() == Kind.CANCELED;
  }

  /** Whether the work was done; false where it was given up. */
  private static boolean follow(CompletableFuture<Boolean> theirs) throws Exception {
    try {
      return theirs.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case Exception cause -> throw cause;
        case null, default -> throw e;
      }
    }
  }
}
