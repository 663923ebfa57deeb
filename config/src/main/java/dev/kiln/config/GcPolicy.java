package dev.kiln.config;

import java.time.Duration;
import java.util.ArrayList;
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
   * The rules in force where the file names none (BuildKit v0.22 {@code
   * cmd/buildkitd/config/gcpolicy.go}); the first rule's three types are separate filters here, as
   * from v0.31, so that it does collect.
   */
  public static List<GcPolicy> defaults(
      Optional<DiskSpace> reserved,
      Optional<DiskSpace> maxUsed,
      Optional<DiskSpace> minFree,
      long diskBytes) {
    DiskSpace keep =
        reserved.orElse(
            new DiskSpace.Bytes(
                Math.min(new DiskSpace.Percent(10).bytes(diskBytes), 10_000_000_000L)));
    DiskSpace max =
        maxUsed.orElse(
            new DiskSpace.Bytes(
                Math.min(new DiskSpace.Percent(80).bytes(diskBytes), 100_000_000_000L)));
    DiskSpace free =
        minFree.orElse(new DiskSpace.Bytes(new DiskSpace.Percent(20).bytes(diskBytes)));
    var rules = new ArrayList<GcPolicy>();
    rules.add(
        new GcPolicy(
            false,
            List.of("type==source.local", "type==exec.cachemount", "type==source.git.checkout"),
            Duration.ofHours(48),
            Optional.empty(),
            Optional.of(new DiskSpace.Bytes(512L << 20)),
            Optional.empty()));
    rules.add(
        new GcPolicy(
            false,
            List.of(),
            Duration.ofDays(60),
            Optional.of(keep),
            Optional.of(max),
            Optional.of(free)));
    rules.add(
        new GcPolicy(
            false,
            List.of(),
            Duration.ZERO,
            Optional.of(keep),
            Optional.of(max),
            Optional.of(free)));
    rules.add(
        new GcPolicy(
            true,
            List.of(),
            Duration.ZERO,
            Optional.of(keep),
            Optional.of(max),
            Optional.of(free)));
    return List.copyOf(rules);
  }
}
