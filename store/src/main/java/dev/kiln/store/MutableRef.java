package dev.kiln.store;

import dev.kiln.store.hash.TreeHash;
import dev.kiln.sys.Mount;
import java.nio.file.Path;
import java.util.List;

/**
 * A named state that is kept and written again by later builds: a cache mount, a local source, a
 * git repository. Claimed from {@link Refs#claim}; {@link #close} keeps what was written and gives
 * it back.
 */
public interface MutableRef extends AutoCloseable {
  RefId id();

  /** Whether it was made for this claim and holds nothing but its parent. */
  boolean isNew();

  /** The writable root; stays where it is while anyone has a claim. */
  Path mount();

  /** The same as something to bind into a container. */
  List<Mount> mounts();

  /**
   * The content checksums of the tree, brought forward by its writer as entries change. Absent
   * entries are computed from disk when asked for.
   */
  TreeHash hashes();

  /**
   * The state as it is now, as an unchanging ref held by the claim's lease; no copy is made. The
   * claim may go on writing only after {@link #close} and a new claim.
   */
  Ref freeze();

  /** Throws the state away instead of keeping it: the next claim starts anew. */
  void discard();

  /** Gives the state back. Does nothing the second time. */
  @Override
  void close();
}
