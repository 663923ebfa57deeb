package dev.kiln.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.kiln.model.BuildException;
import dev.kiln.tracing.Blocking;
import io.grpc.Server;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is told where a daemon cannot be reached: the address, what is wrong, how to mend it. */
class ConnectionFailureTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private final List<AutoCloseable> open = new ArrayList<>();
  @TempDir Path temp;

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : open) {
      each.close();
    }
  }

  private static String failure(String address, ClientTls tls, Duration patience) {
    try (var daemon = DaemonChannel.open(DaemonAddress.parse(address), tls)) {
      var failure = catchThrowableOfType(BuildException.class, () -> daemon.greet(patience));
      assertThat(failure).as("the connection fails").isNotNull();
      assertThat(failure.getMessage())
          .startsWith("cannot reach the daemon at " + address + ": ")
          .doesNotContainIgnoringCase("io exception")
          .doesNotContain("unknown reason", "Exception");
      return failure.getMessage();
    }
  }

  private static String failure(String address) {
    return failure(address, ClientTls.NONE, PATIENCE);
  }

  private static File file(String name) {
    return Path.of(
            Objects.requireNonNull(ConnectionFailureTest.class.getResource("/tls/" + name))
                .getPath())
        .toFile();
  }

  private static ClientTls tls(String ca) {
    return new ClientTls(
        Optional.of(file(ca).toPath()), Optional.empty(), Optional.empty(), Optional.empty());
  }

  private static ClientTls tls(String ca, String ours) {
    return new ClientTls(
        Optional.of(file(ca).toPath()),
        Optional.of(file(ours + ".pem").toPath()),
        Optional.of(file(ours + ".key").toPath()),
        Optional.empty());
  }

  /** A gRPC server with a certificate; without one it speaks no TLS. */
  private String grpc(Optional<String> certificate, boolean wantsOurs) throws Exception {
    var server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    if (certificate.isPresent()) {
      var context =
          GrpcSslContexts.configure(
              SslContextBuilder.forServer(
                  file(certificate.get() + ".pem"), file(certificate.get() + ".key")),
              SslProvider.JDK);
      if (wantsOurs) {
        context.trustManager(file("ca.pem")).clientAuth(ClientAuth.REQUIRE);
      }
      server.sslContext(context.build());
    }
    Server running = server.build().start();
    open.add(running::shutdownNow);
    return "tcp://localhost:" + running.getPort();
  }

  /** What somebody else does with a connection. */
  private interface Stranger {
    void meet(Socket connection) throws IOException;
  }

  private String stranger(Stranger stranger) throws IOException {
    var server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    open.add(server);
    var _ =
        Blocking.onPlatform(
            "stranger",
            () -> {
              while (true) {
                Socket connection = server.accept();
                open.add(connection);
                stranger.meet(connection);
              }
            });
    return "tcp://"
        + InetAddress.getLoopbackAddress().getHostAddress()
        + ":"
        + server.getLocalPort();
  }

  @Test
  void socketsThatAreNone() throws Exception {
    assertThat(failure("unix://" + temp.resolve("nowhere.sock")))
        .contains("no such file or directory", "kiln daemon", "--addr");
    Path file = Files.writeString(temp.resolve("file"), "");
    assertThat(failure("unix://" + file)).contains("not a socket");
    assertThat(failure("unix://" + temp)).contains("not a socket");
  }

  @Test
  void aSocketWhereNobodyListens() throws Exception {
    Path stale = temp.resolve("stale.sock");
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(stale));
    }
    assertThat(failure("unix://" + stale)).contains("nobody listens", "connection refused");
  }

  @Test
  void machinesThatDoNotAnswer() throws Exception {
    int port;
    try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = server.getLocalPort();
    }
    assertThat(failure("tcp://127.0.0.1:" + port)).contains("nobody listens on that port");
    assertThat(failure("tcp://no-such-machine.invalid:1"))
        .contains("no machine of the name no-such-machine.invalid");
    assertThat(failure(stranger(connection -> {}), ClientTls.NONE, Duration.ofMillis(500)))
        .contains("does not answer");
  }

  @Test
  void whoeverElseListens() throws Exception {
    byte[] http = "HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    assertThat(
            failure(
                stranger(connection -> {
                  var _ = connection.getInputStream().read(new byte[16]);
                  connection.getOutputStream().write(http);
                })))
        .contains("speaks no gRPC over HTTP/2");
    assertThat(failure(stranger(Socket::close))).containsAnyOf("closed it at once", "reset");
  }

  @Test
  void tlsWhereThereIsNoneAndNoneWhereThereIs() throws Exception {
    assertThat(failure(grpc(Optional.of("server"), false)))
        .containsAnyOf("wants TLS", "--tlscacert");
    assertThat(failure(grpc(Optional.empty(), false), tls("ca.pem"), PATIENCE))
        .containsAnyOf("does not speak TLS", "closed it at once");
  }

  @Test
  void certificatesOfTheDaemon() throws Exception {
    assertThat(failure(grpc(Optional.of("server"), false), tls("stranger.pem"), PATIENCE))
        .contains("unknown authority", "--tlscacert");
    assertThat(failure(grpc(Optional.of("other"), false), tls("ca.pem"), PATIENCE))
        .contains("of another name", "localhost", "--tlsservername");
    assertThat(failure(grpc(Optional.of("expired"), false), tls("ca.pem"), PATIENCE))
        .contains("has expired");
  }

  @Test
  void certificatesOfOurs() throws Exception {
    assertThat(failure(grpc(Optional.of("server"), true), tls("ca.pem"), PATIENCE))
        .contains("--tlscert and --tlskey");
    assertThat(failure(grpc(Optional.of("server"), true), tls("ca.pem", "stranger"), PATIENCE))
        .contains("--tlscert and --tlskey");
    var mixed =
        new ClientTls(
            Optional.empty(),
            Optional.of(file("client.pem").toPath()),
            Optional.of(file("server.key").toPath()),
            Optional.empty());
    var mismatch = catchThrowableOfType(BuildException.class, mixed::context);
    assertThat(mismatch.getMessage())
        .contains("--tlskey", "server.key is not the key of the certificate", "client.pem");
  }

  @Test
  void daemonsThatAnswerAreReached() throws Exception {
    String plain = grpc(Optional.empty(), false);
    String mutual = grpc(Optional.of("server"), true);
    try (var one = DaemonChannel.open(DaemonAddress.parse(plain), ClientTls.NONE);
        var two = DaemonChannel.open(DaemonAddress.parse(mutual), tls("ca.pem", "client"))) {
      one.greet(PATIENCE);
      two.greet(PATIENCE);
    }
  }
}
