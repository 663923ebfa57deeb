package dev.kiln.daemon;

import com.google.re2j.Pattern;
import dev.kiln.config.ConfigException;
import dev.kiln.config.DaemonConfig.GrpcConfig;
import dev.kiln.config.DaemonConfig.OtelConfig;
import dev.kiln.config.DaemonConfig.TlsConfig;
import dev.kiln.grpc.transport.Addresses;
import dev.kiln.grpc.transport.GrpcServer;
import dev.kiln.grpc.transport.TlsFiles;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Path;
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
  private static final Pattern BRACKETS = Pattern.compile("^\\[|\\]$");
  private static final Logger LOG = LoggerFactory.getLogger(Listeners.class);
  private static final int SOCKET_MODE = 0660;
  private static final int OPEN_MODE = 0666;

  /**
   * Connections that may wait to be accepted: as many as the kernel allows (net.core.somaxconn).
   */
  static final int BACKLOG = 1 << 16;

  private record Bound(
      String shown, ServerSocketChannel socket, boolean tls, AutoCloseable closing) {}

  private final List<Bound> bound = new ArrayList<>();
  private final Optional<SslContext> tls;

  private Listeners(Optional<SslContext> tls) {
    this.tls = tls;
  }

  /**
   * @throws ConfigException naming the address that cannot be listened on, or the file that holds
   *     no certificate or key
   */
  static Listeners bind(GrpcConfig config) {
    var listeners = new Listeners(config.tls().map(Listeners::context));
    try {
      for (String address : config.addresses()) {
        listeners.listen(address, config.uid(), config.gid());
        if (address.startsWith("tcp://") && listeners.tls.isEmpty()) {
          LOG.warn("{} has no TLS: whoever reaches it can build as root; see --tlscert", address);
        }
      }
    } catch (RuntimeException e) {
      listeners.close();
      throw e;
    }
    return listeners;
  }

  /**
   * One more unix socket, for another server that anybody may talk to, as steps of any user do.
   * Where nobody chose its place, and another daemon has it, there is none.
   */
  static Listeners bindOpen(OtelConfig config) {
    var listeners = new Listeners(Optional.empty());
    String address = "unix://" + config.socket();
    try {
      listeners.named(address, () -> listeners.unix(config.socket(), OPEN_MODE, -1, -1));
    } catch (ConfigException e) {
      if (config.named()) {
        throw e;
      }
      LOG.warn("steps cannot send spans: {} (see --otel-socket-path)", e.getMessage());
    }
    return listeners;
  }

  /**
   * The debug address, without TLS; {@code tcp} where it names no kind.
   *
   * @param address empty for none
   */
  static Listeners bindDebug(String address) {
    var listeners = new Listeners(Optional.empty());
    if (!address.isEmpty()) {
      listeners.listen(address.contains("://") ? address : "tcp://" + address, -1, -1);
    }
    return listeners;
  }

  private void listen(String address, int uid, int gid) {
    named(address, () -> add(address, uid, gid));
  }

  /** What {@link #named} does. */
  private interface Binding {
    void bind() throws IOException;
  }

  /** Says of which address a failure is. */
  private void named(String address, Binding binding) {
    try {
      binding.bind();
    } catch (BindException e) {
      throw new ConfigException(
          "cannot listen on " + address + ": " + e.getMessage() + "; give another address", e);
    } catch (UnresolvedAddressException e) {
      throw new ConfigException("cannot listen on " + address + ": its host is not known", e);
    } catch (ConfigException | IOException | IllegalArgumentException e) {
      throw new ConfigException("cannot listen on " + address + ": " + StartFailure.line(e), e);
    }
  }

  private void add(String address, int uid, int gid) throws IOException {
    int colon = address.indexOf("://");
    if (colon < 0) {
      throw new ConfigException("it does not contain proto, you meant unix://" + address + " ?");
    }
    String rest = address.substring(colon + 3);
    switch (address.substring(0, colon)) {
      case "unix" -> unix(Path.of(rest), SOCKET_MODE, uid, gid);
      case "tcp" -> tcp(rest);
      case "fd" -> inherited(rest);
      default -> throw new ConfigException("not supported: write unix://, tcp:// or fd://");
    }
  }

  private void unix(Path path, int mode, int uid, int gid) throws IOException {
    if (path.toString().isEmpty()) {
      throw new ConfigException("a path is missing: write unix:///PATH");
    }
    UnixSocket socket = UnixSocket.bind(path, mode, uid, gid);
    bound.add(new Bound("unix://" + path, socket.channel(), false, socket));
  }

  private void tcp(String hostAndPort) throws IOException {
    int colon = hostAndPort.lastIndexOf(':');
    String port = hostAndPort.substring(colon + 1);
    if (colon < 0 || !Pattern.matches("[0-9]+", port)) {
      throw new ConfigException("missing port in address: write tcp://HOST:PORT");
    }
    if (port.length() > 5 || Integer.parseInt(port) > 65_535) {
      throw new ConfigException("its port is 0 to 65535, not " + port);
    }
    String host = BRACKETS.matcher(hostAndPort.substring(0, colon)).replaceAll("");
    int number = Integer.parseInt(port);
    var address =
        host.isEmpty() ? new InetSocketAddress(number) : new InetSocketAddress(host, number);
    ServerSocketChannel socket = ServerSocketChannel.open();
    try {
      socket.bind(address, BACKLOG);
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
    bound.add(
        new Bound(Addresses.shown(socket.getLocalAddress()), socket, tls.isPresent(), socket));
  }

  /** A socket that systemd opened; the launcher made it the standard input. */
  private void inherited(String suffix) throws IOException {
    if (!suffix.isEmpty()) {
      throw new ConfigException("not supported yet: write fd://");
    }
    if (System.inheritedChannel() instanceof ServerSocketChannel socket) {
      bound.add(new Bound("fd://", socket, tls.isPresent() && !unixSocket(socket), socket));
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
      throw new ConfigException("could not load the TLS files: " + StartFailure.line(e), e);
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

  /** Where the first unix socket is; absent where there is none. */
  Optional<Path> path() {
    return bound.stream()
        .map(Bound::shown)
        .filter(shown -> shown.startsWith("unix://"))
        .map(shown -> Path.of(shown.substring("unix://".length())))
        .findFirst();
  }

  @Override
  public void close() {
    for (Bound each : bound) {
      try {
        each.closing().close();
      } catch (Exception e) {
        LOG.debug("closing {}", each.shown(), e);
      }
    }
  }
}
