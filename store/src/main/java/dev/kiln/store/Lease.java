package dev.kiln.store;

import dev.kiln.model.Digest;

/**
 * Keeps refs and blobs from being collected while someone works with them. Lives in memory: after a
 * restart nothing is held, and what nobody asks for again ages until it is collected. Any thread;
 * who opened it closes it, which releases all it holds.
 */
public interface Lease extends AutoCloseable {
  String name();

  /** Holds a ref (with everything below it). Holding it twice is holding it once. */
  void hold(RefId id);

  void release(RefId id);

  /** Holds a blob, whether it is there already or not. */
  void hold(Digest blob);

  boolean holds(RefId id);

  /** Releases everything; does nothing the second time. */
  @Override
  void close();
}
