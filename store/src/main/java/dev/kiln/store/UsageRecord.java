package dev.kiln.store;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * One record of the disk usage table. Immutable.
 *
 * @param sizeBytes of what the record adds to its parents
 * @param lastUsedAt empty where it was never used after it was made
 * @param shared whether something outside the build cache uses it too
 */
public record UsageRecord(
    RefId id,
    boolean mutable,
    boolean inUse,
    long sizeBytes,
    List<RefId> parents,
    Instant createdAt,
    Optional<Instant> lastUsedAt,
    int usageCount,
    String description,
    RecordType type,
    boolean shared) {
  public UsageRecord {
    parents = List.copyOf(parents);
  }
}
