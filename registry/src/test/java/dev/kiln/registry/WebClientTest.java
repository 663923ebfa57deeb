package dev.kiln.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.registry.hostile.HostileServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WebClientTest {
  private static final Duration WINDOW = Duration.ofSeconds(2);
  private final WebClient client = new WebClient(new Patience(WINDOW, 1 << 20, WINDOW));

  private HttpResponse<InputStream> get(String uri) throws IOException, InterruptedException {
    return client.send(URI.create(uri), HttpRequest::newBuilder, Optional.of("Basic secret"));
  }

  @Test
  void credentialsStayWithTheirHostAndPort() throws Exception {
    try (client;
        var other = HostileServer.start((_, wire) -> wire.whole(200, new byte[0]));
        var first =
            HostileServer.start((request, wire) -> {
              String to = request.path().equals("/away") ? "http://" + other.host() : "/there";
              if (request.path().equals("/there")) {
                wire.whole(200, new byte[0]);
              } else {
                wire.whole(302, new byte[0], "Location: " + to);
              }
            })) {
      get("http://" + first.host() + "/here").body().close();
      assertThat(first.requests()).hasSize(2).allMatch(r -> r.authorization().isPresent());
      get("http://" + first.host() + "/away").body().close();
      assertThat(other.requests()).hasSize(1).allMatch(r -> r.authorization().isEmpty());
    }
  }

  @Test
  void aBodyThatIsCutIsToldSo() throws Exception {
    try (client;
        var server =
            HostileServer.start((_, wire) -> {
              wire.head(200, "Content-Length: 1000");
              wire.text("some");
            })) {
      try (InputStream body = get("http://" + server.host() + "/").body()) {
        assertThatThrownBy(body::readAllBytes)
            .isInstanceOf(IOException.class)
            .hasMessage("failed to read the answer of " + server.host() + ": unexpected EOF");
      }
    }
  }

  @Test
  void aServerThatStallsIsGivenUp() throws Exception {
    try (client;
        var server =
            HostileServer.start((request, wire) -> {
              if (request.path().equals("/body")) {
                wire.head(200, "Content-Length: 1000");
                wire.text("some");
              }
              Thread.sleep(Long.MAX_VALUE);
            })) {
      try (InputStream body = get("http://" + server.host() + "/body").body()) {
        assertThatThrownBy(body::readAllBytes).hasMessageContaining("it stalled");
      }
      assertThatThrownBy(() -> get("http://" + server.host() + "/head"))
          .hasMessageContaining("no answer within");
    }
  }

  @Test
  void aReaderWhoTakesItsTimeIsNoSlowServer() throws Exception {
    try (client;
        var server =
            HostileServer.start(
                (_, wire) -> wire.whole(200, "body".getBytes(StandardCharsets.UTF_8)))) {
      try (InputStream body = get("http://" + server.host() + "/").body()) {
        assertThat(body.read()).isEqualTo('b');
        Thread.sleep(WINDOW.plusMillis(500));
        assertThat(body.readAllBytes()).hasSize(3);
      }
    }
  }

  @Test
  void aHeaderThatCannotBeSentIsNotShown() {
    try (client) {
      assertThatThrownBy(() ->
              client.send(
                  URI.create("http://127.0.0.1:1/"),
                  HttpRequest::newBuilder,
                  Optional.of("Bearer hunter2\n")))
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
          .hasMessageNotContaining("hunter2")
          .hasNoCause();
    }
  }

  @Test
  void addressesThatAreNoneAreTold() throws Exception {
    try (client;
        var server =
            HostileServer.start(
                (request, wire) -> wire.whole(302, new byte[0], "Location: file:///etc/passwd"))) {
      assertThatThrownBy(() -> get("http://" + server.host() + "/"))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(server.host())
          .hasMessageContaining("unsupported protocol scheme \"file\"");
    }
  }
}
