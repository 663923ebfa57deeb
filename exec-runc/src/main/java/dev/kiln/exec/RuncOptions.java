package dev.kiln.exec;

import dev.kiln.exec.ContainerSpec.Ulimit;
import dev.kiln.sys.SearchPath;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How a worker runs its containers. Immutable.
 *
 * @param root directory of the executor alone, for what it keeps while containers run
 * @param runc the runtime's executable
 * @param cgroupParent under which containers get their cgroup; empty for {@code /buildkit}
 * @param apparmorProfile name of the profile of sandboxed steps; empty for none
 * @param noPivot whether to enter the root file system without pivot_root(2), as needed on a RAM
 *     disk
 * @param oomScoreAdj for the containers' processes; absent for the daemon's own
 * @param openFiles how many files a step may open that has no limit of its own; absent for as many
 *     as the daemon
 * @param traceSocket where containers may send spans of their own (features S-15); absent where
 *     they are told of no trace
 */
public record RuncOptions(
    Path root,
    Path runc,
    Networks networks,
    Dns dns,
    Optional<String> cgroupParent,
    String apparmorProfile,
    boolean noPivot,
    OptionalInt oomScoreAdj,
    Optional<Ulimit> openFiles,
    Optional<Path> traceSocket) {

  public static RuncOptions of(Path root, Path runc) {
    return new RuncOptions(
        root,
        runc,
        Networks.hostByDefault(),
        Dns.NONE,
        Optional.empty(),
        "",
        false,
        OptionalInt.empty(),
        Optional.empty(),
        Optional.empty());
  }

  public RuncOptions withTraceSocket(Path socket) {
    return new RuncOptions(
        root,
        runc,
        networks,
        dns,
        cgroupParent,
        apparmorProfile,
        noPivot,
        oomScoreAdj,
        openFiles,
        Optional.of(socket));
  }

  /** What replaces the host's resolver settings; an empty list leaves the host's. */
  public record Dns(List<String> nameservers, List<String> options, List<String> searchDomains) {
    public static final Dns NONE = new Dns(List.of(), List.of(), List.of());

    public Dns {
      nameservers = List.copyOf(nameservers);
      options = List.copyOf(options);
      searchDomains = List.copyOf(searchDomains);
    }

    boolean isEmpty() {
      return nameservers.isEmpty() && options.isEmpty() && searchDomains.isEmpty();
    }
  }

  /** The first of {@code buildkit-runc} and {@code runc} on the search path. */
  public static Optional<Path> findRunc(String searchPath) {
    SearchPath path = SearchPath.parse(searchPath);
    return path.find("buildkit-runc").or(() -> path.find("runc"));
  }
}
