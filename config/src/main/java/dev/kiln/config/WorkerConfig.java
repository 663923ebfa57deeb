package dev.kiln.config;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The runc worker. Absent platforms are probed; an absent snapshotter is {@code auto}. {@code
 * maxParallelism} 0 is no bound. Immutable.
 */
public record WorkerConfig(
    Toggle enabled,
    Map<String, String> labels,
    List<String> platforms,
    String snapshotter,
    boolean rootless,
    boolean noProcessSandbox,
    String binary,
    boolean gc,
    List<GcPolicy> gcPolicies,
    Optional<DiskSpace> reservedSpace,
    Optional<DiskSpace> maxUsedSpace,
    Optional<DiskSpace> minFreeSpace,
    NetworkConfig network,
    String defaultCgroupParent,
    String apparmorProfile,
    boolean selinux,
    int maxParallelism) {
  public WorkerConfig {
    labels = Map.copyOf(labels);
    platforms = List.copyOf(platforms);
    gcPolicies = List.copyOf(gcPolicies);
    if (maxParallelism < 0) {
      throw new ConfigException(
          "worker.oci.max-parallelism must not be negative: " + maxParallelism);
    }
  }

  /** The rules in force on a disk of {@code diskBytes}: the file's own, else the defaults. */
  public List<GcPolicy> policiesFor(long diskBytes) {
    return gcPolicies.isEmpty()
        ? GcPolicy.defaults(reservedSpace, maxUsedSpace, minFreeSpace, diskBytes)
        : gcPolicies;
  }

  /** On, off, or on where the machine has what it takes. */
  public enum Toggle {
    ON,
    OFF,
    AUTO
  }

  /**
   * How steps without a network mode of their own reach the net. {@code mode} is auto, cni, bridge,
   * host or none.
   */
  public record NetworkConfig(
      String mode,
      String cniConfigPath,
      String cniBinaryPath,
      int cniPoolSize,
      String bridgeName,
      String bridgeSubnet) {}
}
