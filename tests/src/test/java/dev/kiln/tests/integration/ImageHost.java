package dev.kiln.tests.integration;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.GZIPOutputStream;

/**
 * A registry on the loopback that serves images made by the tests, and beside them files of one
 * folder. Any thread; who starts it closes it.
 */
final class ImageHost implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";
  private static final String INDEX = "application/vnd.oci.image.index.v1+json";
  private static final String LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
  private static final String CONFIG = "application/vnd.oci.image.config.v1+json";

  private record Served(String type, byte[] content) {}

  private final HttpServer server;
  private final Path files;
  private final Map<String, Served> blobs = new ConcurrentHashMap<>();
  private final Set<String> diffIds = new HashSet<>();

  private ImageHost(HttpServer server, Path files) {
    this.server = server;
    this.files = files;
  }

  /** Serves; {@code files} is the folder behind every path that is not of the registry. */
  static ImageHost start(Path files) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    var host = new ImageHost(server, files);
    server.createContext("/", host::answer);
    server.start();
    return host;
  }

  String address() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  /** The diff IDs of all layers that are served. */
  Set<String> diffIds() {
    return Set.copyOf(diffIds);
  }

  /**
   * Adds {@code name:latest}.
   *
   * @param config without {@code rootfs}; one image for each architecture
   */
  void add(String name, ObjectNode config, List<byte[]> layers, List<String> architectures)
      throws IOException {
    ObjectNode index = JSON.createObjectNode().put("schemaVersion", 2).put("mediaType", INDEX);
    for (String architecture : architectures) {
      ObjectNode own = config.deepCopy().put("os", "linux").put("architecture", architecture);
      ObjectNode rootfs = own.putObject("rootfs").put("type", "layers");
      ObjectNode manifest =
          JSON.createObjectNode().put("schemaVersion", 2).put("mediaType", MANIFEST);
      var descriptors = new ArrayList<ObjectNode>();
      for (byte[] layer : layers) {
        String diffId = digest(layer);
        diffIds.add(diffId);
        rootfs.withArray("diff_ids").add(diffId);
        descriptors.add(blob(LAYER, gzip(layer)));
      }
      manifest.set("config", blob(CONFIG, JSON.writeValueAsBytes(own)));
      manifest.putArray("layers").addAll(descriptors);
      ObjectNode entry = blob(MANIFEST, JSON.writeValueAsBytes(manifest));
      entry.putObject("platform").put("os", "linux").put("architecture", architecture);
      index.withArray("manifests").add(entry);
    }
    byte[] content = JSON.writeValueAsBytes(index);
    blobs.put(name + ":latest", new Served(INDEX, content));
    blob(INDEX, content);
  }

  private ObjectNode blob(String type, byte[] content) {
    String digest = digest(content);
    blobs.put(digest, new Served(type, content));
    return JSON.createObjectNode()
        .put("mediaType", type)
        .put("digest", digest)
        .put("size", content.length);
  }

  static String digest(byte[] content) {
    try {
      return "sha256:"
          + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] gzip(byte[] content) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var out = new GZIPOutputStream(bytes)) {
      out.write(content);
    }
    return bytes.toByteArray();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      Optional<Served> known = path.startsWith("/v2/") ? ofRegistry(path) : ofFolder(path);
      if (known.isEmpty()) {
        exchange.sendResponseHeaders(404, -1);
        return;
      }
      Served found = known.get();
      exchange.getResponseHeaders().set("Content-Type", found.type());
      if (path.startsWith("/v2/")) {
        exchange.getResponseHeaders().set("Docker-Content-Digest", digest(found.content()));
      } else {
        exchange.getResponseHeaders().set("Last-Modified", "Sun, 02 Feb 2020 02:02:02 GMT");
      }
      boolean head = exchange.getRequestMethod().equals("HEAD");
      if (head) {
        exchange
            .getResponseHeaders()
            .set("Content-Length", Integer.toString(found.content().length));
      }
      exchange.sendResponseHeaders(200, head ? -1 : found.content().length);
      if (!head) {
        exchange.getResponseBody().write(found.content());
      }
    }
  }

  private Optional<Served> ofRegistry(String path) {
    if (path.equals("/v2/")) {
      return Optional.of(new Served("application/json", "{}".getBytes(StandardCharsets.UTF_8)));
    }
    String[] parts = path.split("/"); // "", "v2", name, "manifests" or "blobs", reference
    if (parts.length != 5) {
      return Optional.empty();
    }
    return Optional.ofNullable(
        blobs.get(parts[4].startsWith("sha256:") ? parts[4] : parts[2] + ":" + parts[4]));
  }

  private Optional<Served> ofFolder(String path) throws IOException {
    Path file = files.resolve(path.substring(1)).normalize();
    return file.startsWith(files) && Files.isRegularFile(file)
        ? Optional.of(new Served("application/octet-stream", Files.readAllBytes(file)))
        : Optional.empty();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
