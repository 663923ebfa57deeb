package dev.kiln.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.config.ConfigException;
import dev.kiln.config.DaemonConfig.GrpcConfig;
import dev.kiln.config.DaemonConfig.OtelConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ListenersTest {
  @TempDir Path dir;

  private static Listeners bind(String... addresses) {
    return Listeners.bind(new GrpcConfig(List.of(addresses), "", -1, -1, Optional.empty()));
  }

  private Path socket() {
    return dir.resolve("sock");
  }

  private String address() {
    return "unix://" + socket();
  }

  @Test
  void aSocketThatSomebodyAnswersOnIsRefusedAndStays() throws IOException {
    try (Listeners _ = bind(address())) {
      assertThatThrownBy(() -> bind(address()))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("cannot listen on " + address())
          .hasMessageContaining("another process answers there");
      SocketChannel.open(UnixDomainSocketAddress.of(socket())).close();
    }
    assertThat(socket()).doesNotExist();
  }

  @Test
  void aProcessThatIsSlowToTakeConnectionsLives() throws IOException {
    var waiting = new ArrayList<SocketChannel>();
    try (var busy = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      busy.bind(UnixDomainSocketAddress.of(socket()), 1);
      for (int i = 0; i < 2; i++) { // one more than the backlog
        waiting.add(SocketChannel.open(UnixDomainSocketAddress.of(socket())));
      }
      assertThatThrownBy(() -> bind(address())).hasMessageContaining("another process answers");
      assertThat(socket()).exists();
    } finally {
      for (SocketChannel each : waiting) {
        each.close();
      }
    }
  }

  @Test
  void aDeadSocketIsReplaced() throws IOException {
    try (var dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      dead.bind(UnixDomainSocketAddress.of(socket()));
    }
    assertThat(socket()).exists();
    try (Listeners _ = bind(address())) {
      SocketChannel.open(UnixDomainSocketAddress.of(socket())).close();
      assertThat(Files.getPosixFilePermissions(socket()))
          .isEqualTo(PosixFilePermissions.fromString("rw-rw----"));
    }
  }

  @Test
  void whatIsNoSocketStays() throws IOException {
    Files.writeString(socket(), "precious");
    assertThatThrownBy(() -> bind(address()))
        .hasMessageContaining(address())
        .hasMessageContaining("something else than a socket");
    assertThat(socket()).hasContent("precious");
  }

  @Test
  void onlyItsOwnSocketIsRemovedAtTheEnd() throws IOException {
    Listeners first = bind(address());
    Files.delete(socket()); // by somebody who starts another daemon
    try (Listeners _ = bind(address())) {
      first.close();
      SocketChannel.open(UnixDomainSocketAddress.of(socket())).close();
    }
    assertThat(socket()).doesNotExist();
  }

  @Test
  void aStartThatFailsLeavesNoSocket() {
    assertThatThrownBy(() -> bind(address(), "tcp://127.0.0.1:99999"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("tcp://127.0.0.1:99999");
    assertThat(socket()).doesNotExist();
  }

  @Test
  void theSocketForSpansIsRefusedWhereItWasChosenAndElseDoneWithout() throws IOException {
    try (Listeners theirs = bind(address())) {
      assertThatThrownBy(() -> Listeners.bindOpen(new OtelConfig(socket(), true)))
          .hasMessageContaining(address());
      try (Listeners none = Listeners.bindOpen(new OtelConfig(socket(), false))) {
        assertThat(none.path()).isEmpty();
      }
      assertThat(theirs.path()).contains(socket());
      SocketChannel.open(UnixDomainSocketAddress.of(socket())).close();
    }
  }

  @Test
  void aPortThatIsTakenIsNamed() throws IOException {
    try (var theirs = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String address = "tcp://127.0.0.1:" + theirs.getLocalPort();
      assertThatThrownBy(() -> bind(address))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("cannot listen on " + address + ": Address already in use")
          .hasMessageContaining("give another address");
      assertThatThrownBy(() -> Listeners.bindDebug(address.substring(6)))
          .hasMessageContaining("cannot listen on " + address);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/run/sock, you meant unix:///run/sock",
    "tcp://127.0.0.1, missing port",
    "tcp://127.0.0.1:port, missing port",
    "tcp://127.0.0.1:999999, its port is 0 to 65535",
    "tcp://127.0.0.1:65536, its port is 0 to 65535",
    "tcp://no-such-host.invalid:1234, its host is not known",
    "npipe:////./pipe/x, not supported",
    "fd://3, not supported",
    "unix://, a path is missing",
  })
  void aBadAddressIsNamedWithTheWayOut(String address, String said) {
    assertThatThrownBy(() -> bind(address))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("cannot listen on " + address + ": ")
        .hasMessageContaining(said);
  }

  @Test
  void aPathThatIsTooLongIsNamed() {
    String address = "unix://" + dir + "/" + "x".repeat(120);
    assertThatThrownBy(() -> bind(address)).hasMessageContaining("cannot listen on " + address);
  }
}
