package dev.kiln.dockerfile.graph;

import dev.kiln.grpc.pb.CDIDevice;
import dev.kiln.grpc.pb.CacheSharingOpt;
import dev.kiln.grpc.pb.HostIP;
import dev.kiln.grpc.pb.NetMode;
import dev.kiln.grpc.pb.ProxyEnv;
import dev.kiln.grpc.pb.SecurityMode;
import dev.kiln.grpc.pb.Ulimit;
import dev.kiln.model.Digest;
import dev.kiln.model.Platform;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An op of the graph, before its inputs' digests are known. Immutable; told apart by identity. */
public sealed interface Node {
  NodeOptions options();

  /** The platform that the node was made for and that what is built on it inherits. */
  default Optional<Platform> platform() {
    return Optional.empty();
  }

  /** A root: {@code identifier} is {@code scheme://rest}. */
  record Source(String identifier, Map<String, String> attributes, NodeOptions options)
      implements Node {
    public Source {
      attributes = Map.copyOf(attributes);
    }

    @Override
    public Optional<Platform> platform() {
      return options.platform();
    }
  }

  /** Actions on files of {@code base}, one after the other. */
  record File(Optional<Output> base, String directory, List<FileStep> steps, NodeOptions options)
      implements Node {
    public File {
      steps = List.copyOf(steps);
    }
  }

  /** File systems laid on each other. */
  record Merge(List<Output> layers, NodeOptions options) implements Node {
    public Merge {
      layers = List.copyOf(layers);
    }
  }

  /**
   * A process. The mount at {@code /} is {@code base}'s; the first output is what it leaves there.
   */
  record Exec(State base, Process process, List<Mount> mounts, NodeOptions options)
      implements Node {
    public Exec {
      mounts = List.copyOf(mounts);
    }
  }

  /** What runs and under which limits. Absent texts are empty. */
  record Process(
      List<String> arguments,
      Optional<ProxyEnv> proxy,
      NetMode network,
      SecurityMode security,
      List<HostIP> hosts,
      List<Ulimit> limits,
      String cgroupParent,
      List<CDIDevice> devices) {
    public Process {
      arguments = List.copyOf(arguments);
      hosts = List.copyOf(hosts);
      limits = List.copyOf(limits);
      devices = List.copyOf(devices);
    }

    /** A process with nothing but its arguments. */
    public static Process of(List<String> arguments, NetMode network) {
      return new Process(
          arguments,
          Optional.empty(),
          network,
          SecurityMode.SANDBOX,
          List.of(),
          List.of(),
          "",
          List.of());
    }
  }

  /** Something that a process sees at a path, beside its root. */
  sealed interface Mount {
    /**
     * A file system.
     *
     * @param source empty for the empty one
     * @param selector a path in the source; empty for all of it
     * @param discarded writes are thrown away
     */
    record Bind(
        String target,
        Optional<Output> source,
        String selector,
        boolean readOnly,
        boolean discarded)
        implements Mount {}

    /** A directory that stays between builds. */
    record Cache(
        String target,
        Optional<Output> source,
        String selector,
        boolean readOnly,
        String id,
        CacheSharingOpt sharing)
        implements Mount {}

    /** Memory; {@code sizeBytes} 0 is no limit. */
    record Tmpfs(String target, long sizeBytes, boolean readOnly) implements Mount {}

    /** A secret as a file, a variable or both. */
    record Secret(
        String id,
        Optional<String> target,
        Optional<String> variable,
        int uid,
        int gid,
        int mode,
        boolean optional)
        implements Mount {}

    /** An agent's socket; an empty target is the default one. */
    record Ssh(String id, String target, int uid, int gid, int mode, boolean optional)
        implements Mount {}
  }

  /** A vertex of a definition that came from outside. */
  record Given(GivenDefinition definition, Digest digest) implements Node {
    @Override
    public NodeOptions options() {
      return NodeOptions.NONE;
    }

    @Override
    public Optional<Platform> platform() {
      return definition.platform(digest);
    }
  }
}
