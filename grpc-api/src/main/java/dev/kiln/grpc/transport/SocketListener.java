package dev.kiln.grpc.transport;

import akka.stream.IgnoreComplete$;
import akka.stream.TLSProtocol;
import akka.stream.javadsl.BidiFlow;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.TLS;
import akka.util.ByteString;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts connections of one bound socket, unix or TCP, and gives them to a server such as {@link
 * GrpcServer#serve}. One platform thread accepts. Whoever starts it closes it, which closes the
 * socket; the server's own close ends the connections.
 */
public final class SocketListener implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SocketListener.class);
  private static final AtomicLong CONNECTIONS = new AtomicLong();

  private final ServerSocketChannel socket;
  private final Consumer<Flow<ByteString, ByteString, ?>> server;
  private final Optional<Supplier<SSLEngine>> tls;

  private SocketListener(
      ServerSocketChannel socket,
      Consumer<Flow<ByteString, ByteString, ?>> server,
      Optional<Supplier<SSLEngine>> tls) {
    this.socket = socket;
    this.server = server;
    this.tls = tls;
  }

  /**
   * Takes over {@code socket}, bound already: connections made before now are served too.
   *
   * @param server takes a connection's bytes, in and out, and does not wait for its end
   * @param tls makes an engine per connection
   */
  public static SocketListener start(
      ServerSocketChannel socket,
      Consumer<Flow<ByteString, ByteString, ?>> server,
      Optional<Supplier<SSLEngine>> tls) {
    var listener = new SocketListener(socket, server, tls);
    Blocking.onPlatform("accept", listener::accept);
    return listener;
  }

  private Optional<Void> accept() throws IOException {
    while (true) {
      SocketChannel channel;
      try {
        channel = socket.accept();
      } catch (ClosedChannelException e) {
        return Optional.empty();
      } catch (IOException e) {
        // Out of descriptors, for one: the next close gives one back, so go on.
        LOG.error("accepting a connection failed", e);
        continue;
      }
      try {
        if (!(channel.getLocalAddress() instanceof UnixDomainSocketAddress)) {
          channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        }
        server.accept(connection(channel));
      } catch (IOException | RuntimeException e) {
        LOG.warn("a connection could not be served", e);
        channel.close();
      }
    }
  }

  private Flow<ByteString, ByteString, ?> connection(SocketChannel channel) {
    Flow<ByteString, ByteString, ?> bytes =
        Flow.fromGraph(new SocketFlow(channel, "conn-" + CONNECTIONS.incrementAndGet()));
    return tls.<Flow<ByteString, ByteString, ?>>map(engines -> decrypted(bytes, engines))
        .orElse(bytes);
  }

  private static Flow<ByteString, ByteString, ?> decrypted(
      Flow<ByteString, ByteString, ?> bytes, Supplier<SSLEngine> engines) {
    BidiFlow<
            TLSProtocol.SslTlsOutbound,
            ByteString,
            ByteString,
            TLSProtocol.SslTlsInbound,
            akka.NotUsed>
        layer = TLS.create(engines::get, _ -> {}, IgnoreComplete$.MODULE$);
    return Flow.of(ByteString.class)
        .<TLSProtocol.SslTlsOutbound>map(TLSProtocol.SendBytes::new)
        .via(layer.join(bytes))
        .mapConcat(in ->
            in instanceof TLSProtocol.SessionBytes session
                ? java.util.List.of(session.bytes())
                : java.util.List.of());
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      LOG.debug("closing a listener", e);
    }
  }
}
