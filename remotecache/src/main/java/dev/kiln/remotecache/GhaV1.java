package dev.kiln.remotecache;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoJson;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The first protocol: REST, with the bytes sent to the service itself. GitHub has ended it; its
 * servers at other sites still speak it.
 */
record GhaV1(GhaHttp http, GhaOptions options) implements GhaService {
  private static final int CHUNK_BYTES = 16 << 20;

  @Override
  public Optional<Entry> find(String key) throws InterruptedException {
    String query =
        "?keys=" + URLEncoder.encode(key, StandardCharsets.UTF_8) + "&version=" + VERSION;
    JsonNode found = send("cache" + query, HttpRequest.newBuilder());
    String matched = found.path("cacheKey").asText();
    return matched.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Entry(
                matched,
                GhaService.address(found.path("archiveLocation").asText()),
                found.path("isAzureBlob").asBoolean()));
  }

  @Override
  public Optional<Reserved> reserve(String key) throws InterruptedException {
    JsonNode reserved;
    try {
      reserved = post("caches", GoJson.object().text("key", key).text("version", VERSION));
    } catch (BuildException e) {
      if (e.kind() == Kind.ALREADY_EXISTS) {
        return Optional.empty();
      }
      throw e;
    }
    String id =
        reserved.properties().stream()
            .filter(field -> field.getKey().equalsIgnoreCase("cacheId")) // servers differ
            .map(field -> field.getValue().asText())
            .findFirst()
            .orElseThrow(() -> new BuildException(Kind.UNKNOWN, "invalid response " + reserved));
    return Optional.of(new Reserved(key, id));
  }

  @Override
  public void upload(Reserved to, ObjectStore.Opener from)
      throws IOException, InterruptedException {
    try (InputStream in = from.open()) {
      long offset = 0;
      for (byte[] chunk = in.readNBytes(CHUNK_BYTES);
          chunk.length > 0;
          chunk = in.readNBytes(CHUNK_BYTES)) {
        send(
            "caches/" + to.place(),
            HttpRequest.newBuilder()
                .method("PATCH", BodyPublishers.ofByteArray(chunk))
                .header("Content-Type", "application/octet-stream")
                .header(
                    "Content-Range", "bytes " + offset + "-" + (offset + chunk.length - 1) + "/*"));
        offset += chunk.length;
      }
    }
  }

  @Override
  public void commit(Reserved of, long sizeBytes) throws InterruptedException {
    try {
      post("caches/" + of.place(), GoJson.object().number("size", sizeBytes));
    } catch (BuildException e) {
      throw e.wrap("error committing cache " + of.place());
    }
  }

  private JsonNode post(String path, GoJson body) throws InterruptedException {
    return send(
        path,
        HttpRequest.newBuilder()
            .POST(BodyPublishers.ofByteArray(body.toBytes()))
            .header("Content-Type", "application/json"));
  }

  private JsonNode send(String path, HttpRequest.Builder request) throws InterruptedException {
    request.header("Accept", "application/json;api-version=6.0-preview.1");
    return http.send(
        options.url().resolve("_apis/artifactcache/" + path),
        options.token().raw(),
        options.timeout(),
        request::copy);
  }
}
