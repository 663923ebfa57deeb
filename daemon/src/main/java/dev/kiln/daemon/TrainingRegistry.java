package dev.kiln.daemon;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.store.layer.TarEntry;
import dev.kiln.store.layer.TarReader;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Hands one image out as a registry does, from an OCI archive, so that the training run passes
 * through the registry client and the unpacking of layers. Nothing but reading.
 */
final class TrainingRegistry implements AutoCloseable {
  private static final String MANIFESTS = "/manifests/";
  private static final String BLOBS = "/blobs/";
  private final HttpServer http;
  private final Map<String, byte[]> files = new HashMap<>();

  TrainingRegistry(Path archive) throws IOException {
    try (InputStream in = Files.newInputStream(archive)) {
      var tar = new TarReader(in);
      for (Optional<TarEntry> e = tar.next(); e.isPresent(); e = tar.next()) {
        byte[] bytes = new byte[(int) e.get().sizeBytes()];
        for (int n = 0; n < bytes.length; ) {
          n += tar.read(bytes, n, bytes.length - n);
        }
        files.put(e.get().name().toString(), bytes);
      }
    }
    http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    http.createContext("/v2/", this::answer);
    http.start();
  }

  /** The image's name. */
  String image() {
    return "localhost:" + http.getAddress().getPort() + "/training/base";
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    byte[] index = Objects.requireNonNull(files.get("index.json"), "the image has no index");
    var manifest = Json.read(Kind.INTERNAL, "the index", index).at("/manifests/0");
    if (path.contains(MANIFESTS)) {
      String digest = manifest.get("digest").asText();
      exchange.getResponseHeaders().set("Content-Type", manifest.get("mediaType").asText());
      exchange.getResponseHeaders().set("Docker-Content-Digest", digest);
      send(exchange, digest);
    } else if (path.contains(BLOBS)) {
      send(exchange, path.substring(path.indexOf(BLOBS) + BLOBS.length()));
    } else {
      exchange.sendResponseHeaders(200, -1);
    }
    exchange.close();
  }

  private void send(HttpExchange exchange, String digest) throws IOException {
    byte[] blob = files.getOrDefault("blobs/" + digest.replace(':', '/'), new byte[0]);
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", Integer.toString(blob.length));
      exchange.sendResponseHeaders(200, -1);
      return;
    }
    exchange.sendResponseHeaders(200, blob.length);
    exchange.getResponseBody().write(blob);
  }

  @Override
  public void close() {
    http.stop(0);
  }
}
