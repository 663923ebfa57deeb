package dev.kiln.sources.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.kiln.model.Digest;
import dev.kiln.sources.Material;
import dev.kiln.sources.Source;
import dev.kiln.sources.SourceFixture;
import dev.kiln.sources.SourceKey;
import dev.kiln.store.View;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HttpSourceTest {
  @TempDir Path temp;
  private HttpServer server;
  private SourceFixture fixture;
  private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
  private volatile String content = "hello";
  private volatile String etag = "";
  private volatile boolean comparesTags = true;
  private volatile boolean zips;
  private volatile String authorization = "";

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::handle);
    server.start();
    fixture = new SourceFixture(temp.resolve("store"));
  }

  @AfterEach
  void stop() {
    fixture.close();
    server.stop(0);
  }

  private void handle(HttpExchange x) throws IOException {
    try (x) {
      String path = x.getRequestURI().getPath();
      String tag = Optional.ofNullable(x.getRequestHeaders().getFirst("If-None-Match")).orElse("");
      authorization =
          Optional.ofNullable(x.getRequestHeaders().getFirst("Authorization")).orElse("");
      requests.add(x.getRequestMethod() + " " + path + (tag.isEmpty() ? "" : " if " + tag));
      if (path.equals("/gone")) {
        x.sendResponseHeaders(404, -1);
        return;
      }
      if (path.equals("/moved")) {
        x.getResponseHeaders().add("Location", "/file.txt");
        x.sendResponseHeaders(302, -1);
        return;
      }
      x.getResponseHeaders().add("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT");
      if (!etag.isEmpty()) {
        x.getResponseHeaders().add("ETag", etag);
      }
      if (comparesTags && !etag.isEmpty() && tag.contains(etag.replace("W/", ""))) {
        x.sendResponseHeaders(304, -1);
        return;
      }
      byte[] body = content.getBytes(StandardCharsets.UTF_8);
      if (zips) {
        var zipped = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(zipped)) {
          out.write(body);
        }
        body = zipped.toByteArray();
        x.getResponseHeaders().add("Content-Encoding", "gzip");
      }
      boolean head = x.getRequestMethod().equals("HEAD");
      x.sendResponseHeaders(200, head ? -1 : body.length);
      if (!head) {
        x.getResponseBody().write(body);
      }
    }
  }

  private Source open(String path, Map<String, String> attrs) {
    return fixture.open("http://localhost:" + server.getAddress().getPort() + path, attrs);
  }

  private SourceKey key(Source source) throws IOException, InterruptedException {
    return source.key(0, fixture.context());
  }

  @Test
  void fileHasNameModeOwnerAndTime() throws Exception {
    Source source =
        open("/file.txt", Map.of("http.perm", "0640", "http.uid", "12", "http.gid", "13"));
    SourceKey key = key(source);
    assertThat(key.pin()).isEqualTo(Digest.of("hello").value());
    try (View view = fixture.view(source)) {
      Path file = view.root().resolve("file.txt");
      assertThat(file).hasContent("hello");
      assertThat(Files.getAttribute(file, "unix:mode")).isEqualTo(0100640);
      assertThat(Files.getAttribute(file, "unix:uid")).isEqualTo(12);
      assertThat(Files.getAttribute(file, "unix:gid")).isEqualTo(13);
      assertThat(Files.getLastModifiedTime(file))
          .isEqualTo(FileTime.from(Instant.parse("2015-10-21T07:28:00Z")));
    }
    assertThat(requests).containsExactly("GET /file.txt");
    assertThat(source.material())
        .isEqualTo(
            new Material.Http(
                "http://localhost:" + server.getAddress().getPort() + "/file.txt",
                Optional.of(Digest.of("hello"))));
  }

  @Test
  void unchangedFilesAreNotSentAgain() throws Exception {
    etag = "W/\"1\"";
    SourceKey first = key(open("/file.txt", Map.of()));
    Source again = open("/file.txt", Map.of());
    assertThat(key(again)).isEqualTo(first);
    try (View view = fixture.view(again)) {
      assertThat(view.root().resolve("file.txt")).hasContent("hello");
    }
    assertThat(requests).containsExactly("GET /file.txt", "HEAD /file.txt if \"1\"");
  }

  @Test
  void serversThatOnlySendTagsAreComparedHere() throws Exception {
    etag = "\"1\"";
    comparesTags = false;
    SourceKey first = key(open("/file.txt", Map.of()));
    assertThat(key(open("/file.txt", Map.of()))).isEqualTo(first);
    etag = "\"2\"";
    content = "changed";
    assertThat(key(open("/file.txt", Map.of())).pin()).isEqualTo(Digest.of("changed").value());
    assertThat(requests).endsWith("HEAD /file.txt if \"1\"", "GET /file.txt if \"1\"");
  }

  @Test
  void checksumNeedsNoRequestForTheKeyAndMustFit() throws Exception {
    String right = Digest.of("hello").value();
    Source source = open("/file.txt", Map.of("http.checksum", right));
    assertThat(key(source).pin()).isEqualTo(right);
    assertThat(requests).isEmpty();
    fixture.view(source).close();
    String wrong = Digest.of("other").value();
    assertThatThrownBy(() -> fixture.view(open("/file.txt", Map.of("http.checksum", wrong))))
        .hasMessage("digest mismatch " + right + ": " + wrong);
  }

  @Test
  void compressedAnswersAreUnpackedAndRedirectsFollowed() throws Exception {
    zips = true;
    Source source = open("/moved", Map.of());
    assertThat(key(source).pin()).isEqualTo(Digest.of("hello").value());
    try (View view = fixture.view(source)) {
      assertThat(view.root().resolve("moved")).hasContent("hello");
    }
  }

  @Test
  void errorsAreNamedByTheirStatus() {
    assertThatThrownBy(() -> key(open("/gone", Map.of())))
        .hasMessage("invalid response status 404");
  }

  @Test
  void authorizationComesFromASecret() throws Exception {
    fixture.secrets.put("AUTH", "Bearer geheim");
    key(open("/file.txt", Map.of("http.authheadersecret", "AUTH")));
    assertThat(authorization).isEqualTo("Bearer geheim");
    assertThatThrownBy(() -> key(open("/file.txt", Map.of("http.authheadersecret", "GONE"))))
        .hasMessageContaining("failed to retrieve HTTP auth secret GONE");
  }

  @Test
  void aSecretThatNoHeaderMayHoldIsToldWithoutIt() {
    fixture.secrets.put("AUTH", "Bearer geheim\n");
    assertThatThrownBy(() -> key(open("/file.txt", Map.of("http.authheadersecret", "AUTH"))))
        .hasMessage(
            "failed to retrieve HTTP auth secret AUTH: it has characters that a header may not"
                + " have, such as a line break");
    assertThat(requests).isEmpty();
  }

  @Test
  void aTagThatNoRequestCouldHoldIsNotKept() throws Exception {
    etag = "\"" + "x".repeat(5000) + "\"";
    key(open("/file.txt", Map.of()));
    key(open("/file.txt", Map.of()));
    assertThat(requests).containsExactly("GET /file.txt", "GET /file.txt");
  }

  @Test
  void namesCannotLeadOutOfTheRoot() throws Exception {
    Source source = open("/file.txt", Map.of("http.filename", "../../escaped"));
    try (View view = fixture.view(source)) {
      assertThat(view.root().resolve("escaped")).hasContent("hello");
    }
  }
}
