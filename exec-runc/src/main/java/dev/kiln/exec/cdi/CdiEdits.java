package dev.kiln.exec.cdi;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * What a container's configuration needs changed, so that devices can be used in it. Immutable.
 * Form: CDI specification v1.0, {@code containerEdits}.
 *
 * @param env {@code NAME=value}, each replacing what was there
 * @param groups further groups of the process
 */
public record CdiEdits(
    List<String> env,
    List<Node> nodes,
    List<HostMount> mounts,
    List<Hook> hooks,
    Optional<IntelRdt> intelRdt,
    List<Long> groups) {
  public static final CdiEdits NONE =
      new CdiEdits(List.of(), List.of(), List.of(), List.of(), Optional.empty(), List.of());

  public CdiEdits {
    env = List.copyOf(env);
    nodes = List.copyOf(nodes);
    mounts = List.copyOf(mounts);
    hooks = List.copyOf(hooks);
    groups = List.copyOf(groups);
  }

  /**
   * A device node.
   *
   * @param hostPath the node on the host that it is a copy of
   * @param type {@code b}, {@code c}, {@code u} or {@code p}; empty for that of the host's
   * @param number absent for that of the host's
   * @param access of {@code r}, {@code w} and {@code m}
   */
  public record Node(
      String path,
      String hostPath,
      String type,
      Optional<Number> number,
      OptionalInt mode,
      String access,
      Optional<Long> uid,
      Optional<Long> gid) {}

  /** A device's number. */
  public record Number(int major, int minor) {}

  /** Something of the host; {@code type} is empty for a bind mount. */
  public record HostMount(String source, String destination, String type, List<String> options) {
    public HostMount {
      options = List.copyOf(options);
    }
  }

  /** A program of the host that the runtime calls at {@code moment} of a container's life. */
  public record Hook(
      String moment, String path, List<String> args, List<String> env, OptionalInt timeoutSeconds) {
    public Hook {
      args = List.copyOf(args);
      env = List.copyOf(env);
    }
  }

  /** Intel's resource director, as the runtime takes it. */
  public record IntelRdt(
      String closId,
      String l3CacheSchema,
      String memoryBandwidthSchema,
      boolean monitorCache,
      boolean monitorBandwidth) {}

  public boolean isEmpty() {
    return equals(NONE);
  }

  /** These edits and then {@code others}. */
  CdiEdits and(CdiEdits others) {
    return new CdiEdits(
        both(env, others.env),
        both(nodes, others.nodes),
        both(mounts, others.mounts),
        both(hooks, others.hooks),
        others.intelRdt.or(() -> intelRdt),
        both(groups, others.groups));
  }

  private static <T> List<T> both(List<T> first, List<T> second) {
    return Stream.concat(first.stream(), second.stream()).toList();
  }
}
