package dev.kiln.grpc.transport;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.kiln.grpc.raw.RawConnection;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** What one connection may ask of the transport, with frames made by hand (RFC 9113). */
class ConnectionLimitsTest {
  private static final int ENHANCE_YOUR_CALM = 11;

  private final ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "limits-test");
  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final GrpcServer server = GrpcServer.builder(system, loops).build();
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private InetSocketAddress address;

  @BeforeEach
  void serve() throws IOException {
    ServerSocketChannel socket = ServerSocketChannel.open();
    socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    address = (InetSocketAddress) socket.getLocalAddress();
    server.listen(socket, Optional.empty());
    log.start();
    logger().addAppender(log);
  }

  private static ch.qos.logback.classic.Logger logger() {
    return ((LoggerContext) LoggerFactory.getILoggerFactory()).getLogger(HandshakeLog.class);
  }

  @AfterEach
  void stop() {
    logger().detachAppender(log);
    server.close();
    system.terminate();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  @Test
  @Timeout(30)
  void aFloodOfPingsEndsTheConnectionAsInGo() throws Exception {
    try (var connection = new RawConnection(address).greet()) {
      for (int i = 0; i < 20; i++) {
        connection.frame(RawConnection.PING, 0, 0, new byte[8]);
      }
      connection.flush();
      assertThat(connection.farewell()).isEqualTo(ENHANCE_YOUR_CALM);
    }
  }

  @Test
  @Timeout(30)
  void aConnectionThatComesToNothingIsToldWithPeerAndReason() throws Exception {
    try (var connection = new RawConnection(address)) {
      String peer = Addresses.shown(connection.localAddress());
      connection.text("GET / HTTP/1.1\r\n\r\n");
      connection.farewell();
      assertThat(log.list)
          .singleElement()
          .satisfies(event ->
              assertThat(event.getKeyValuePairs())
                  .extracting(pair -> pair.key + " " + pair.value)
                  .containsExactly(
                      "listener tcp://127.0.0.1:" + address.getPort(),
                      "peer " + peer,
                      "reason the client does not speak HTTP/2"));
    }
  }

  @Test
  void addressesAreShownAsUsersWriteThem() throws Exception {
    assertThat(Addresses.shown(UnixDomainSocketAddress.of(Path.of("/run/a.sock"))))
        .isEqualTo("unix:///run/a.sock");
    assertThat(Addresses.shown(new InetSocketAddress(InetAddress.getByName("::1"), 7)))
        .isEqualTo("tcp://[::1]:7");
    assertThat(Addresses.shown(InetSocketAddress.createUnresolved("host", 7)))
        .isEqualTo("tcp://host:7");
  }
}
