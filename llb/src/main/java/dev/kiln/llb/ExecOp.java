package dev.kiln.llb;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Runs one process in a container. Immutable. */
public record ExecOp(
    Meta meta,
    List<Mount> mounts,
    NetworkMode network,
    SecurityMode security,
    List<SecretEnv> secretEnv,
    List<CdiDevice> devices)
    implements Op {
  /** The mount at which a container's root lies. */
  public static final String ROOT = "/";

  public ExecOp {
    mounts = List.copyOf(mounts);
    secretEnv = List.copyOf(secretEnv);
    devices = List.copyOf(devices);
  }

  /** Every output that some mount writes, numbered from 0. */
  public int outputCount() {
    return (int) mounts.stream().filter(m -> m.output().isPresent()).count();
  }

  ExecOp withDevices(List<CdiDevice> others) {
    return new ExecOp(meta, mounts, network, security, secretEnv, others);
  }

  /** What the process is. Texts are empty where the client said nothing. */
  public record Meta(
      List<String> args,
      List<String> env,
      String cwd,
      String user,
      Optional<ProxyEnv> proxyEnv,
      List<HostIp> extraHosts,
      String hostname,
      List<Ulimit> ulimits,
      String cgroupParent,
      boolean removeMountStubsRecursive,
      List<Integer> validExitCodes) {
    public Meta {
      args = List.copyOf(args);
      env = List.copyOf(env);
      extraHosts = List.copyOf(extraHosts);
      ulimits = List.copyOf(ulimits);
      validExitCodes = List.copyOf(validExitCodes);
    }

    /** The same process with other arguments. */
    public Meta withArgs(List<String> others) {
      return new Meta(
          others,
          env,
          cwd,
          user,
          proxyEnv,
          extraHosts,
          hostname,
          ulimits,
          cgroupParent,
          removeMountStubsRecursive,
          validExitCodes);
    }
  }

  /**
   * One mount of the container.
   *
   * @param input index into the vertex's inputs; absent is an empty file system
   * @param selector sub-path of the input, empty for the whole
   * @param output number of the output that the mount's state becomes, absent where it is dropped
   * @param resultId a previous ref by its gateway id, empty but in gateway containers
   */
  public record Mount(
      String dest,
      OptionalInt input,
      String selector,
      OptionalInt output,
      boolean readOnly,
      MountOptions options,
      String resultId,
      ContentCache contentCache) {}

  /** Whether an input may be keyed by its content. */
  public enum ContentCache {
    DEFAULT,
    ON,
    OFF
  }

  /** The container's network; {@code UNSET} is the sandbox. */
  public enum NetworkMode {
    UNSET,
    HOST,
    NONE
  }

  /** How the container is confined. */
  public enum SecurityMode {
    SANDBOX,
    INSECURE
  }

  /** Proxies, exported in both cases of their names and never part of a cache key. */
  public record ProxyEnv(
      String httpProxy, String httpsProxy, String ftpProxy, String noProxy, String allProxy) {}

  /** A line of the container's {@code /etc/hosts}. */
  public record HostIp(String host, String ip) {}

  /** A limit by its name without {@code RLIMIT_}. */
  public record Ulimit(String name, long soft, long hard) {}

  /** An environment variable whose value is a secret of a session. */
  public record SecretEnv(String id, String name, boolean optional) {}

  /** A device by its fully qualified CDI name or pattern. */
  public record CdiDevice(String name, boolean optional) {}
}
