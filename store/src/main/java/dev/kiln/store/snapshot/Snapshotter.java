package dev.kiln.store.snapshot;

import dev.kiln.sys.Mount;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Keeps layer directories by number, and shows chains of them. A <em>layer</em> holds what one
 * state adds to those below it, in overlayfs' format: a deleted name is a character device 0:0, a
 * directory that hides what is below has {@code trusted.overlay.opaque=y}. A <em>chain</em> lists
 * layers, bottom first. A finished layer is never written to again, so chains may share it.
 *
 * <p>Any thread; blocks on mounts and disk. All implementations pass {@code StoreTest}.
 */
public interface Snapshotter {
  /** As {@code --oci-worker-snapshotter} names it. */
  String name();

  /** Makes an empty layer and returns its number; numbers are not used again. */
  long create() throws IOException;

  /** The directory of a layer. */
  Path layer(long number);

  /** Shows {@code below} with the unfinished layer {@code number} on top, writable. */
  Mounted write(List<Long> below, long number) throws IOException;

  /** Ends the writing of a layer that {@link #write} showed (and is closed). */
  void finish(List<Long> below, long number) throws IOException;

  /** Writes what {@code upper} changes of {@code lower} into an empty layer; files are shared. */
  void writeDifference(long number, MergedTree lower, MergedTree upper) throws IOException;

  /**
   * Shows a chain, which nobody writes to: a container gets it read-only. Equal chains share one
   * mount, where one is needed. The empty chain is an empty directory.
   */
  Mounted view(List<Long> chain) throws IOException;

  /** Removes a layer, finished or not; one that is gone is fine. */
  void remove(long number) throws IOException;

  /** Bytes on disk that a layer occupies. */
  long size(long number) throws IOException;

  /** The numbers of the layers on disk; for the collection of leftovers at start. */
  List<Long> numbers() throws IOException;

  /** A tree in its place. Who asked for it closes it. */
  interface Mounted extends AutoCloseable {
    Path root();

    /** The same as something to bind into a container. */
    List<Mount> mounts();

    @Override
    void close() throws IOException;
  }
}
