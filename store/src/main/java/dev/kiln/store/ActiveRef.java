package dev.kiln.store;

import dev.kiln.sys.Mount;
import java.nio.file.Path;
import java.util.List;

/**
 * A state that is being written. Who made it closes it; {@link #close} without {@link #commit}
 * discards what was written. One thread at a time.
 */
public interface ActiveRef extends AutoCloseable {
  RefId id();

  /** The writable root, mounted on first use; unmounted by {@link #commit} and {@link #close}. */
  Path mount();

  /** What to mount to get the writable root elsewhere (at most one of the two ways at a time). */
  List<Mount> mounts();

  /** Ends the writing and records the state, held by the lease it was made under. */
  Ref commit();

  /** Unmounts; discards what was not committed. Does nothing the second time. */
  @Override
  void close();
}
