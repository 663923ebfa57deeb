package dev.kiln.config;

import java.util.Optional;

/**
 * The bounds of cache collection for rules that name none: what is kept whatever happens, what may
 * be used, what is to stay free. Absent ones bound nothing. Immutable.
 */
public record GcThresholds(
    Optional<DiskSpace> reserved, Optional<DiskSpace> maxUsed, Optional<DiskSpace> minFree) {
  boolean isUnset() {
    return reserved.isEmpty() && maxUsed.isEmpty() && minFree.isEmpty();
  }
}
