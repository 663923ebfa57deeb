package dev.kiln.store;

import dev.kiln.model.Digest;
import java.util.Collection;
import java.util.List;

/** Opens {@link Lease}s and keeps pins, which outlive the process. Any thread. */
public interface Leases {
  /**
   * @param name for logs and leak reports, such as {@code job-<ref>}; need not be unique
   */
  Lease open(String name);

  /** Names of the leases open now; for leak checks. */
  List<String> openNames();

  /**
   * Keeps blobs across restarts under a name (a history record, an image) until {@link #unpin}.
   * Replaces what was pinned under that name.
   */
  void pin(String name, Collection<Digest> blobs);

  void unpin(String name);
}
