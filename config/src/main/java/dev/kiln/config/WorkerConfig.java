package dev.kiln.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The runc worker. Absent platforms are probed; an absent snapshotter is {@code auto}. {@code
 * maxParallelism} 0 is no bound. Immutable.
 */
public record WorkerConfig(
    Map<String, String> labels,
    List<String> platforms,
    String snapshotter,
    String binary,
    boolean gc,
    List<GcPolicy> gcPolicies,
    GcThresholds gcThresholds,
    NetworkConfig network,
    String defaultCgroupParent,
    String apparmorProfile,
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
    return gcPolicies.isEmpty() ? GcPolicy.defaults(gcThresholds, diskBytes) : gcPolicies;
  }

  /** On, off, or on where the machine has what it takes. */
  public enum Toggle {
    ON,
    OFF,
    AUTO;

    static Toggle of(boolean on) {
      return on ? ON : OFF;
    }

    /** {@code auto}, or a truth value as Go reads it (package {@code strconv}). */
    static Toggle parse(String name, String text) {
      return switch (text) {
        case "1", "t", "T", "true", "TRUE", "True" -> ON;
        case "0", "f", "F", "false", "FALSE", "False" -> OFF;
        case "auto" -> AUTO;
        default ->
            throw new ConfigException(name + " must be auto, true or false, not '" + text + "'");
      };
    }
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
      String bridgeSubnet) {
    /** What {@code mode} comes to. */
    public enum Choice {
      HOST,
      NONE,
      CNI,
      BRIDGE;

      /** As the worker's label says it; a bridge is made by CNI plugins too. */
      public String label() {
        return switch (this) {
          case HOST -> "host";
          case NONE -> "none";
          case CNI, BRIDGE -> "cni";
        };
      }
    }

    /** Auto is a bridge where the environment asks for it, else CNI where it is configured. */
    public Choice choice(Map<String, String> environment) {
      String bridge = environment.getOrDefault("BUILDKIT_NETWORK_BRIDGE_AUTO", "");
      return switch (mode) {
        case "cni" -> Choice.CNI;
        case "bridge" -> Choice.BRIDGE;
        case "none" -> Choice.NONE;
        case "host" -> Choice.HOST;
        default ->
            List.of("1", "t", "T", "true", "TRUE", "True").contains(bridge)
                ? Choice.BRIDGE
                : Files.exists(Path.of(cniConfigPath)) ? Choice.CNI : Choice.HOST;
      };
    }
  }
}
