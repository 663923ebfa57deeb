package dev.kiln.store;

import java.time.Duration;
import java.util.List;

/**
 * What may go. All sizes 0: no cap, everything that filters and age allow goes (as in BuildKit
 * v0.22 {@code cache/manager.go}). Immutable.
 *
 * @param filters in containerd's filter syntax; one that matches is enough; none: all match
 * @param all also internal, frontend and shared records
 * @param keepDuration used within it: stays
 * @param reservedBytes so much always stays
 * @param maxUsedBytes not more than so much stays; 0: no limit
 * @param minFreeBytes the disk is to have so much free
 */
public record PruneRequest(
    List<String> filters,
    boolean all,
    Duration keepDuration,
    long reservedBytes,
    long maxUsedBytes,
    long minFreeBytes) {
  public PruneRequest {
    filters = List.copyOf(filters);
  }

  /** Everything that is not in use. */
  public static final PruneRequest EVERYTHING =
      new PruneRequest(List.of(), true, Duration.ZERO, 0, 0, 0);
}
