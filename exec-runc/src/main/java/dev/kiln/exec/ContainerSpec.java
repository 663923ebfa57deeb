package dev.kiln.exec;

import com.google.re2j.Pattern;
import dev.kiln.exec.cdi.CdiEdits;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The container that a process runs in. Immutable.
 *
 * @param id a name unique in this executor: letters, digits, {@code -} and {@code _}
 * @param rootfs the mounted root directory; it belongs to the caller, and must be writable even for
 *     a container that sees it read-only
 * @param hostname empty for {@code buildkitsandbox}
 * @param cgroupParent instead of the executor's default; with {@code .slice} and a final colon a
 *     systemd unit name
 * @param removeStubsRecursive whether empty parents of mount points go too
 * @param measure whether to say in the exit status what the container used
 * @param devices what the devices that the container may use change of it
 */
public record ContainerSpec(
    String id,
    Path rootfs,
    boolean readonlyRootfs,
    List<ContainerMount> mounts,
    NetworkMode network,
    Security security,
    String hostname,
    List<HostEntry> hosts,
    List<Ulimit> ulimits,
    Optional<String> cgroupParent,
    boolean removeStubsRecursive,
    boolean measure,
    CdiEdits devices) {
  public static final String DEFAULT_HOSTNAME = "buildkitsandbox";

  public ContainerSpec {
    if (!Pattern.matches("[A-Za-z0-9][A-Za-z0-9_-]*", id)) {
      throw new IllegalArgumentException("not a container id: '" + id + "'");
    }
    mounts = List.copyOf(mounts);
    hosts = List.copyOf(hosts);
    ulimits = List.copyOf(ulimits);
    hostname = hostname.isEmpty() ? DEFAULT_HOSTNAME : hostname;
  }

  /** A plain sandboxed container on {@code rootfs}. */
  public static ContainerSpec of(String id, Path rootfs) {
    return new ContainerSpec(
        id,
        rootfs,
        false,
        List.of(),
        NetworkMode.SANDBOX,
        Security.SANDBOX,
        "",
        List.of(),
        List.of(),
        Optional.empty(),
        false,
        false,
        CdiEdits.NONE);
  }

  public ContainerSpec withMounts(List<ContainerMount> newMounts) {
    return new ContainerSpec(
        id,
        rootfs,
        readonlyRootfs,
        newMounts,
        network,
        security,
        hostname,
        hosts,
        ulimits,
        cgroupParent,
        removeStubsRecursive,
        measure,
        devices);
  }

  public ContainerSpec withNetwork(NetworkMode mode) {
    return new ContainerSpec(
        id,
        rootfs,
        readonlyRootfs,
        mounts,
        mode,
        security,
        hostname,
        hosts,
        ulimits,
        cgroupParent,
        removeStubsRecursive,
        measure,
        devices);
  }

  public ContainerSpec withSecurity(Security mode) {
    return new ContainerSpec(
        id,
        rootfs,
        readonlyRootfs,
        mounts,
        network,
        mode,
        hostname,
        hosts,
        ulimits,
        cgroupParent,
        removeStubsRecursive,
        measure,
        devices);
  }

  public ContainerSpec withDevices(CdiEdits edits) {
    return new ContainerSpec(
        id,
        rootfs,
        readonlyRootfs,
        mounts,
        network,
        security,
        hostname,
        hosts,
        ulimits,
        cgroupParent,
        removeStubsRecursive,
        measure,
        edits);
  }

  /** What a step asks of the network; the executor decides what the sandbox is. */
  public enum NetworkMode {
    /** The worker's default. */
    SANDBOX,
    /** The host's own network. */
    HOST,
    /** A loopback interface alone. */
    NONE
  }

  /** How far a step is held from the host. */
  public enum Security {
    SANDBOX,
    /** All capabilities and devices, no seccomp filter, writable cgroups. */
    INSECURE
  }

  /** One line of {@code /etc/hosts}. */
  public record HostEntry(String host, String address) {}

  /** A resource limit; {@code name} without {@code RLIMIT_}, in any case; -1 is unlimited. */
  public record Ulimit(String name, long soft, long hard) {}
}
