package dev.kiln.config;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * One rule of cache collection: which records ({@code filters}, any of them; {@code all} takes in
 * internal and shared ones), how long unused ones are kept, and the bounds in bytes (absent: no
 * bound). Immutable.
 */
public record GcPolicy(
    boolean all,
    List<String> filters,
    Duration keepDuration,
    Optional<DiskSpace> reservedSpace,
    Optional<DiskSpace> maxUsedSpace,
    Optional<DiskSpace> minFreeSpace) {
  public GcPolicy {
    filters = List.copyOf(filters);
  }

  /**
   * The rules in force where the file names none. A threshold that is set makes the others none;
   * only where none is set, the defaults hold. Facts: BuildKit v0.34 {@code
   * cmd/buildkitd/config/gcpolicy.go}; the first rule's three types are separate filters there, so
   * that it does collect, which in v0.22 it does not.
   */
  static List<GcPolicy> defaults(GcThresholds set, long diskBytes) {
    return set.isUnset()
        ? rules(
            Optional.of(atMost(10_000_000_000L, 10, diskBytes)),
            Optional.of(atMost(100_000_000_000L, 80, diskBytes)),
            Optional.of(new DiskSpace.Percent(20)))
        : rules(set.reserved(), set.maxUsed(), set.minFree());
  }

  private static DiskSpace atMost(long bytes, int percent, long diskBytes) {
    return new DiskSpace.Bytes(Math.min(new DiskSpace.Percent(percent).bytes(diskBytes), bytes));
  }

  private static List<GcPolicy> rules(
      Optional<DiskSpace> keep, Optional<DiskSpace> max, Optional<DiskSpace> free) {
    return List.of(
        new GcPolicy(
            false,
            List.of("type==source.local", "type==exec.cachemount", "type==source.git.checkout"),
            Duration.ofHours(48),
            Optional.empty(),
            Optional.of(new DiskSpace.Bytes(512_000_000)),
            Optional.empty()),
        new GcPolicy(false, List.of(), Duration.ofDays(60), keep, max, free),
        new GcPolicy(false, List.of(), Duration.ZERO, keep, max, free),
        new GcPolicy(true, List.of(), Duration.ZERO, keep, max, free));
  }
}
