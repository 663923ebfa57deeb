package dev.kiln.exec.cni;

import dev.kiln.exec.cni.CniNamespaces.Network;
import dev.kiln.exec.cni.PluginList.Programs;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.Bridges;
import dev.kiln.sys.FileLock;
import dev.kiln.sys.SearchPath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens the network that a worker's configuration asks for. What an earlier daemon left there is
 * taken down first. Rules: BuildKit v0.22, {@code util/network/cniprovider}.
 */
public final class Sandboxes {
  private static final Logger LOG = LoggerFactory.getLogger(Sandboxes.class);

  private Sandboxes() {}

  /**
   * @param root folder for what is kept while namespaces live
   * @param programs folder of the plugins
   * @param poolSize how many namespaces to keep ready
   */
  public record Place(Path root, Path programs, int poolSize, Map<String, String> environment) {
    public Place {
      environment = Map.copyOf(environment);
    }
  }

  /** Namespaces with a loopback interface, and with {@code eth0} by the plugins of a file. */
  public static NamespacePool cni(Place place, Path config) throws IOException {
    String text;
    try {
      text = Files.readString(config);
    } catch (IOException e) {
      throw new BuildException(
          Kind.NOT_FOUND,
          "CNI configuration "
              + config
              + " cannot be read: write it, or name another by worker.oci.cniConfigPath or"
              + " --oci-cni-config-path",
          e);
    }
    var networks =
        List.of(
            new Network(PluginList.loopback(), "lo"),
            new Network(PluginList.parse(text, config.toString()), "eth0"));
    var plugins = new Plugins(List.of(place.programs()));
    networks.forEach(network -> plugins.check(network.list()));
    var namespaces = new CniNamespaces(place.root(), plugins, networks);
    try (var _ = InitLock.take(place.environment())) {
      namespaces.clearLeftovers();
      return new NamespacePool(namespaces, place.poolSize());
    }
  }

  /** Namespaces with a loopback interface and {@code eth0} on a bridge of the host. */
  public static NamespacePool bridge(Place place, String bridge, String subnet) throws IOException {
    Optional<List<Path>> own = ownPrograms(place.environment().getOrDefault("PATH", ""));
    Programs programs = own.isPresent() ? OWN : Programs.STANDARD;
    var plugins = new Plugins(own.orElse(List.of(place.programs())));
    var networks = List.of(new Network(PluginList.bridge(bridge, subnet, programs), "eth0"));
    networks.forEach(network -> plugins.check(network.list()));
    var namespaces = new CniNamespaces(place.root(), plugins, networks);
    try (var _ = InitLock.take(place.environment())) {
      Path mark = place.root().resolve("bridge-" + bridge);
      boolean ours = Files.exists(mark) || !Bridges.exists(bridge);
      if (ours) {
        Files.write(mark, new byte[0]);
      }
      namespaces.clearLeftovers();
      return new NamespacePool(
          ours ? new OwnBridge(namespaces, bridge, mark) : namespaces, place.poolSize());
    }
  }

  private static final Programs OWN =
      new Programs(
          "buildkit-cni-bridge",
          "buildkit-cni-loopback",
          "buildkit-cni-host-local",
          "buildkit-cni-firewall");

  /** The folders of plugins that came with a build daemon, if all are on the search path. */
  private static Optional<List<Path>> ownPrograms(String searchPath) {
    SearchPath path = SearchPath.parse(searchPath);
    return OWN.all().stream().allMatch(name -> path.find(name).isPresent())
        ? Optional.of(path.folders())
        : Optional.empty();
  }

  /**
   * Removes the bridge that the first namespace made at the end.
   *
   * @param mark says, after a crash too, that the bridge is this daemon's
   */
  private record OwnBridge(CniNamespaces namespaces, String bridge, Path mark)
      implements NamespacePool.Maker {
    @Override
    public NetworkNamespace make(String hostname) throws IOException {
      return namespaces.make(hostname);
    }

    @Override
    public void remove(NetworkNamespace namespace) throws IOException {
      namespaces.remove(namespace);
    }

    @Override
    public void close() throws IOException {
      if (Bridges.exists(bridge)) {
        Bridges.remove(bridge);
        LOG.debug("removed bridge {}", bridge);
      }
      Files.deleteIfExists(mark);
    }
  }

  /** Lets daemons that share a machine's network set it up one after the other. */
  private record InitLock(Optional<FileLock> held) implements AutoCloseable {
    static InitLock take(Map<String, String> environment) throws IOException {
      String path = environment.getOrDefault("BUILDKIT_CNI_INIT_LOCK_PATH", "");
      return new InitLock(
          path.isEmpty() ? Optional.empty() : Optional.of(FileLock.lock(Path.of(path))));
    }

    @Override
    public void close() {
      held.ifPresent(FileLock::close);
    }
  }
}
