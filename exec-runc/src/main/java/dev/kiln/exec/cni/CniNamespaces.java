package dev.kiln.exec.cni;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.re2j.Pattern;
import dev.kiln.exec.cni.Plugins.Attachment;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.Directories;
import dev.kiln.sys.FileSystems;
import dev.kiln.sys.Mounts;
import dev.kiln.sys.Namespaces;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes network namespaces, has plugins furnish them, and takes them down again. Each is pinned by
 * a file in a folder of this object's alone; beside it lies what the plugins answered, for whoever
 * has to take it down after a crash. Any platform thread; may block.
 */
final class CniNamespaces implements NamespacePool.Maker {
  private static final Logger LOG = LoggerFactory.getLogger(CniNamespaces.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path pins;
  private final Path answers;
  private final Plugins plugins;
  private final List<Network> networks;

  /** A network that every namespace gets, and the interface that it has there. */
  record Network(PluginList list, String interfaceName) {}

  /**
   * @param root folder for pins ({@code cni}, as BuildKit has it) and answers
   * @param networks in the order in which they are added
   */
  CniNamespaces(Path root, Plugins plugins, List<Network> networks) throws IOException {
    this.pins = Directories.makePrivate(root.resolve("cni"));
    this.answers = Directories.makePrivate(root.resolve("answers"));
    this.plugins = plugins;
    this.networks = List.copyOf(networks);
  }

  @Override
  public NetworkNamespace make(String hostname) throws IOException {
    String id = UUID.randomUUID().toString().replace("-", "");
    var made = new NetworkNamespace(id, pins.resolve(id), args(hostname));
    try {
      pin(made.path());
      var added = new ArrayList<JsonNode>();
      for (Network network : networks) {
        added.add(plugins.add(network.list(), attachment(made, network)));
        Files.write(answers.resolve(id), JSON.writeValueAsBytes(added));
      }
    } catch (IOException | BuildException e) {
      try {
        remove(made);
      } catch (IOException | BuildException rest) {
        e.addSuppressed(rest);
      }
      throw e;
    }
    LOG.debug("made network namespace {}", id);
    return made;
  }

  /** The name under which the container is known to plugins for names (k8s and podman say so). */
  private static String args(String hostname) {
    if (hostname.isEmpty()) {
      return "";
    }
    if (Pattern.compile("[;=]").matcher(hostname).find()) {
      throw new BuildException(
          Kind.INVALID, "hostname '" + hostname + "': network plugins take no ';' or '=' in it");
    }
    return "K8S_POD_NAME=" + hostname + ";IgnoreUnknown=1";
  }

  private static Attachment attachment(NetworkNamespace of, Network network)
      throws SyscallException {
    return new Attachment(
        of.id(),
        Optional.of(of.path()).filter(CniNamespaces::isPinned),
        network.interfaceName(),
        of.args());
  }

  private static void pin(Path file) throws IOException {
    Files.createFile(file);
    try {
      Namespaces.onThrowAwayThread(
          "pin-network",
          () -> {
            Namespaces.unshare(Namespaces.CLONE_NEWNET);
            Mounts.mount("/proc/thread-self/ns/net", file, "", Mounts.MS_BIND, "");
            return file;
          });
    } catch (IOException e) {
      throw e;
    } catch (Exception e) {
      throw BuildException.of(e);
    }
  }

  /** Not so after a restart of the machine. */
  private static boolean isPinned(Path file) {
    try {
      return FileSystems.space(file).type() == FileSystems.NSFS_MAGIC;
    } catch (SyscallException e) {
      return false;
    }
  }

  @Override
  public void remove(NetworkNamespace namespace) throws IOException {
    Optional<BuildException> failure = Optional.empty();
    List<JsonNode> added = added(namespace.id());
    for (int i = networks.size() - 1; i >= 0; i--) {
      Network network = networks.get(i);
      Optional<JsonNode> result = i < added.size() ? Optional.of(added.get(i)) : Optional.empty();
      try {
        plugins.delete(network.list(), attachment(namespace, network), result);
      } catch (BuildException e) {
        failure.ifPresent(e::addSuppressed);
        failure = Optional.of(e);
      }
    }
    Mounts.unmountAll(namespace.path());
    Files.deleteIfExists(namespace.path());
    Files.deleteIfExists(answers.resolve(namespace.id()));
    if (failure.isPresent()) {
      throw failure.get();
    }
    LOG.debug("removed network namespace {}", namespace.id());
  }

  private List<JsonNode> added(String id) {
    var added = new ArrayList<JsonNode>();
    try {
      JSON.readTree(answers.resolve(id).toFile()).forEach(added::add);
    } catch (IOException e) {
      LOG.debug("no answers of plugins for network namespace {}", id, e);
    }
    return added;
  }

  /** Takes down what a killed daemon has left; what resists is logged. */
  void clearLeftovers() throws IOException {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(pins)) {
      for (Path pin : left) {
        String id = String.valueOf(pin.getFileName());
        try {
          remove(new NetworkNamespace(id, pin, ""));
        } catch (IOException | BuildException e) {
          LOG.warn("not all of network namespace {} of an earlier run could be removed", id, e);
        }
      }
    }
  }
}
