package dev.kiln.registry;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;

/**
 * Callers that want the same thing at the same time share one piece of work: the first does it, the
 * others wait. When the first is interrupted, one of those who wait takes over. Nothing is kept
 * after the work. Any thread.
 */
final class Flights<K, V> {
  interface Work<V> {
    V run() throws IOException, InterruptedException;
  }

  private final ConcurrentMap<K, CompletableFuture<V>> flying = new ConcurrentHashMap<>();

  V join(K key, Work<V> work) throws IOException, InterruptedException {
    while (true) {
      var mine = new CompletableFuture<V>();
      CompletableFuture<V> other = flying.putIfAbsent(key, mine);
      if (other == null) {
        return lead(key, mine, work);
      }
      try {
        return other.get();
      } catch (ExecutionException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        switch (cause) {
          case InterruptedException _ -> {} // not ours: take over
          case IOException io -> throw io;
          case RuntimeException r -> throw r;
          default -> throw new IllegalStateException(cause);
        }
      }
    }
  }

  /** How many wait for work under way, for tests. */
  int waiting(K key) {
    CompletableFuture<V> under = flying.get(key);
    return under == null ? 0 : under.getNumberOfDependents();
  }

  private V lead(K key, CompletableFuture<V> mine, Work<V> work)
      throws IOException, InterruptedException {
    try {
      V value = work.run();
      finish(key, mine);
      mine.complete(value);
      return value;
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      finish(key, mine);
      boolean interrupted =
          e instanceof InterruptedException || Thread.currentThread().isInterrupted();
      mine.completeExceptionally(interrupted ? new InterruptedException() : e);
      throw e;
    }
  }

  /** Before the others are told, so that who comes from now on starts anew. */
  private void finish(K key, CompletableFuture<V> mine) {
    flying.remove(key, mine);
  }
}
