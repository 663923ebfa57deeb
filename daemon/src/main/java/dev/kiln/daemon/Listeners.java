package dev.kiln.daemon;

import dev.kiln.config.ConfigException;
import dev.kiln.config.DaemonConfig.GrpcConfig;
import dev.kiln.config.DaemonConfig.TlsConfig;
import dev.kiln.grpc.transport.GrpcServer;
import dev.kiln.grpc.transport.TlsFiles;
import dev.kiln.sys.Processes;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The addresses that the daemon listens on. Bound before anything else is started, so that a client
 * that comes early waits in the backlog instead of being refused, and while nothing else makes
 * files; served when the server is there. All addresses work, or the start fails. The daemon closes
 * it.
 */
final class Listeners implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Listeners.class);
  private static final String SOCKET_MODE = "rw-rw----";
  private static final String OPEN_MODE = "rw-rw-rw-";
  private static final int OWNERS_ONLY = 0077;

  private record Bound(String shown, ServerSocketChannel socket, boolean tls) {}

  private final List<Bound> bound = new ArrayList<>();
  private final List<Path> paths = new ArrayList<>();
  private final Optional<SslContext> tls;

  private Listeners(Optional<SslContext> tls) {
    this.tls = tls;
  }

  static Listeners bind(GrpcConfig config) throws IOException {
    var listeners = new Listeners(config.tls().map(Listeners::context));
    try {
      for (String address : config.addresses()) {
        listeners.add(address, config.uid(), config.gid());
        if (address.startsWith("tcp://") && listeners.tls.isEmpty()) {
          LOG.warn("{} has no TLS: whoever reaches it can build as root; see --tlscert", address);
        }
      }
    } catch (IOException | RuntimeException e) {
      listeners.close();
      throw e;
    }
    return listeners;
  }

  /** One more unix socket, for another server that anybody may talk to, as steps of any user do. */
  static Listeners bindOpen(Path path) throws IOException {
    var listeners = new Listeners(Optional.empty());
    listeners.unix(path, OPEN_MODE, -1, -1);
    return listeners;
  }

  /**
   * The debug address, without TLS; {@code tcp} where it names no kind.
   *
   * @param address empty for none
   */
  static Listeners bindDebug(String address) throws IOException {
    var listeners = new Listeners(Optional.empty());
    if (!address.isEmpty()) {
      listeners.add(address.contains("://") ? address : "tcp://" + address, -1, -1);
    }
    return listeners;
  }

  private void add(String address, int uid, int gid) throws IOException {
    int colon = address.indexOf("://");
    if (colon < 0) {
      throw new ConfigException(
          "address " + address + " does not contain proto, you meant unix://" + address + " ?");
    }
    String rest = address.substring(colon + 3);
    switch (address.substring(0, colon)) {
      case "unix" -> unix(Path.of(rest), SOCKET_MODE, uid, gid);
      case "tcp" -> tcp(rest);
      case "fd" -> inherited(rest);
      default -> throw new ConfigException("addr " + address + " not supported");
    }
  }

  private void unix(Path path, String mode, int uid, int gid) throws IOException {
    Path parent = path.toAbsolutePath().getParent();
    if (parent != null) {
      Folders.makeForSockets(parent, uid, gid);
    }
    Files.deleteIfExists(path);
    ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    int umask = Processes.umask(OWNERS_ONLY); // until its mode and owner are what they shall be
    try {
      socket.bind(UnixDomainSocketAddress.of(path), 1024);
    } finally {
      Processes.umask(umask);
    }
    Folders.own(path, uid, gid);
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    paths.add(path);
    bound.add(new Bound(path.toString(), socket, false));
  }

  private void tcp(String hostAndPort) throws IOException {
    int colon = hostAndPort.lastIndexOf(':');
    if (colon < 0) {
      throw new ConfigException("address " + hostAndPort + ": missing port in address");
    }
    String host = hostAndPort.substring(0, colon).replaceAll("^\\[|]$", "");
    int port = Integer.parseInt(hostAndPort.substring(colon + 1));
    ServerSocketChannel socket = ServerSocketChannel.open();
    socket.bind(
        host.isEmpty() ? new InetSocketAddress(port) : new InetSocketAddress(host, port), 1024);
    bound.add(new Bound(socket.getLocalAddress().toString(), socket, tls.isPresent()));
  }

  /** A socket that systemd opened; the launcher made it the standard input. */
  private void inherited(String suffix) throws IOException {
    if (!suffix.isEmpty()) {
      throw new ConfigException("fd://" + suffix + ": not supported yet");
    }
    if (System.inheritedChannel() instanceof ServerSocketChannel socket) {
      bound.add(new Bound("fd://", socket, tls.isPresent() && !unixSocket(socket)));
      return;
    }
    throw new ConfigException(
        "no sockets found via socket activation: make sure the service was started by systemd");
  }

  private static boolean unixSocket(ServerSocketChannel socket) throws IOException {
    return socket.getLocalAddress() instanceof UnixDomainSocketAddress;
  }

  private static SslContext context(TlsConfig files) {
    try {
      return TlsFiles.server(
          Path.of(files.certFile()), Path.of(files.keyFile()), files.caFile().map(Path::of));
    } catch (IOException | GeneralSecurityException e) {
      throw new ConfigException("could not load the TLS files: " + e.getMessage(), e);
    }
  }

  /** Lets connections in. */
  void serve(GrpcServer server) throws IOException {
    for (Bound each : bound) {
      server.listen(each.socket(), each.tls() ? tls : Optional.empty());
      LOG.info("running server on {}", each.shown());
    }
  }

  void serve(DebugServer server) throws IOException {
    for (Bound each : bound) {
      server.listen(each.socket());
      LOG.info("running debug server on {}", each.shown());
    }
  }

  @Override
  public void close() {
    for (Bound each : bound) {
      try {
        each.socket().close();
      } catch (IOException e) {
        LOG.debug("closing {}", each.shown(), e);
      }
    }
    for (Path path : paths) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        LOG.debug("removing {}", path, e);
      }
    }
  }
}
