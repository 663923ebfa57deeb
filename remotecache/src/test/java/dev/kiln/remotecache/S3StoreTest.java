package dev.kiln.remotecache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.kiln.model.BuildException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class S3StoreTest {
  private final Bucket bucket = new Bucket();
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", bucket::answer);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  /** The part of S3's protocol that a cache needs, for one bucket by path. */
  private static final class Bucket {
    final Map<String, byte[]> objects = new HashMap<>();
    final Map<Integer, byte[]> parts = new TreeMap<>();
    int copies;

    void answer(HttpExchange call) throws IOException {
      try (call) {
        String key = call.getRequestURI().getPath().substring("/bucket/".length());
        String query = Optional.ofNullable(call.getRequestURI().getRawQuery()).orElse("");
        byte[] body = call.getRequestBody().readAllBytes();
        if (!call.getRequestHeaders().getFirst("Authorization").contains("Credential=id/")) {
          reply(call, 403, "");
          return;
        }
        switch (call.getRequestMethod()) {
          case "HEAD", "GET" -> read(call, key);
          case "PUT" -> {
            call.getResponseHeaders().add("ETag", "\"tag\"");
            if (call.getRequestHeaders().containsKey("x-amz-copy-source")) {
              copies++;
              reply(call, 200, "<CopyObjectResult><ETag>\"tag\"</ETag></CopyObjectResult>");
            } else if (query.contains("partNumber=")) {
              int number = Integer.parseInt(query.replaceAll(".*partNumber=(\\d+).*", "$1"));
              parts.put(number, body);
              reply(call, 200, "");
            } else {
              objects.put(key, body);
              reply(call, 200, "");
            }
          }
          case "POST" -> {
            if (query.startsWith("uploads")) {
              reply(
                  call,
                  200,
                  "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>");
            } else {
              var whole = new ByteArrayOutputStream();
              for (byte[] part : parts.values()) {
                whole.write(part);
              }
              objects.put(key, whole.toByteArray());
              reply(
                  call,
                  200,
                  "<CompleteMultipartUploadResult><ETag>\"t\"</ETag></CompleteMultipartUploadResult>");
            }
          }
          default -> reply(call, 405, "");
        }
      }
    }

    private void read(HttpExchange call, String key) throws IOException {
      byte[] bytes = objects.get(key);
      if (bytes == null) {
        reply(call, 404, "<Error><Code>NoSuchKey</Code></Error>");
        return;
      }
      int status = 200;
      String range = call.getRequestHeaders().getFirst("Range");
      if (range != null) {
        int from = Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
        bytes = Arrays.copyOfRange(bytes, from, bytes.length);
        status = 206;
      }
      call.getResponseHeaders().add("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT");
      if (call.getRequestMethod().equals("HEAD")) {
        call.getResponseHeaders().add("Content-Length", Integer.toString(bytes.length));
        call.sendResponseHeaders(status, -1);
      } else {
        call.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        call.getResponseBody().write(bytes);
      }
    }

    private static void reply(HttpExchange call, int status, String xml) throws IOException {
      byte[] bytes = xml.getBytes(StandardCharsets.UTF_8);
      boolean none = bytes.length == 0 || call.getRequestMethod().equals("HEAD");
      call.sendResponseHeaders(status, none ? -1 : bytes.length);
      if (!none) {
        call.getResponseBody().write(bytes);
      }
    }
  }

  private ObjectStore store(String endpoint) {
    return S3Store.open(
        S3Options.of(
            Map.of(
                "bucket", "bucket",
                "region", "us-east-1",
                "endpoint_url", endpoint,
                "use_path_style", "true",
                "access_key_id", "id",
                "secret_access_key", "secret"),
            Map.of()));
  }

  private ObjectStore store() {
    return store("http://127.0.0.1:" + server.getAddress().getPort());
  }

  private static byte[] read(ObjectStore store, String name, long offset) throws Exception {
    try (InputStream in = store.open(name, offset).orElseThrow()) {
      return in.readAllBytes();
    }
  }

  @Test
  void objectsAreWrittenFoundAndReadFromAnywhere() throws Exception {
    ObjectStore store = store();
    byte[] bytes = "hello world".getBytes(StandardCharsets.UTF_8);
    store.put("p/sha256:ab", bytes.length, () -> new ByteArrayInputStream(bytes));
    assertThat(bucket.objects).containsEntry("p/sha256:ab", bytes);
    assertThat(store.find("p/sha256:ab"))
        .contains(new ObjectStore.Stored(Instant.parse("2026-01-02T03:04:05Z"), bytes.length));
    assertThat(read(store, "p/sha256:ab", 0)).isEqualTo(bytes);
    assertThat(read(store, "p/sha256:ab", 6)).asString().isEqualTo("world");
  }

  @Test
  void whatIsNotThereIsEmpty() throws Exception {
    assertThat(store().find("none")).isEmpty();
    assertThat(store().open("none", 0)).isEmpty();
  }

  @Test
  void largeObjectsGoInParts() throws Exception {
    int size = (64 << 20) + 5;
    byte[] bytes = new byte[size];
    bytes[size - 1] = 7;
    store().put("large", size, () -> new ByteArrayInputStream(bytes));
    assertThat(bucket.parts).hasSize(2);
    assertThat(Arrays.equals(bucket.objects.get("large"), bytes)).isTrue();
  }

  @Test
  void aTouchCopiesTheObjectOntoItself() throws Exception {
    store().touch("p/sha256:ab", new ObjectStore.Stored(Instant.EPOCH, 3));
    assertThat(bucket.copies).isEqualTo(1);
  }

  @Test
  void aServerThatIsUnknownIsNamed() {
    assertThatThrownBy(() -> store("http://no-such-host.invalid:9000").find("x"))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("dial tcp: lookup no-such-host.invalid")
        .hasMessageContaining("no such host")
        .message()
        .doesNotContain("secret");
  }
}
