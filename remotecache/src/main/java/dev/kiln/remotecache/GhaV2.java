package dev.kiln.remotecache;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoJson;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The second protocol: Twirp in JSON, with the bytes sent to Azure's storage. */
record GhaV2(GhaHttp http, GhaOptions options) implements GhaService {
  private static final int CHUNK_BYTES = 8 << 20;

  /** As long as a token lives. */
  private static final Duration UPLOAD_TIME = Duration.ofHours(6);

  @Override
  public Optional<Entry> find(String key) throws InterruptedException {
    JsonNode found =
        call(
            "GetCacheEntryDownloadURL",
            GoJson.object()
                .text("key", key)
                .textsIfSet("restore_keys", List.of(key))
                .text("version", VERSION));
    return found.path("ok").asBoolean()
        ? Optional.of(
            new Entry(
                found.path("matched_key").asText(),
                GhaService.address(found.path("signed_download_url").asText()),
                true))
        : Optional.empty();
  }

  @Override
  public Optional<Reserved> reserve(String key) throws InterruptedException {
    JsonNode reserved;
    try {
      reserved =
          call("CreateCacheEntry", GoJson.object().text("key", key).text("version", VERSION));
    } catch (BuildException e) {
      if (e.kind() == Kind.ALREADY_EXISTS) {
        return Optional.empty();
      }
      throw e;
    }
    check(reserved, "failed to reserve cache");
    return Optional.of(new Reserved(key, reserved.path("signed_upload_url").asText()));
  }

  @Override
  public void upload(Reserved to, ObjectStore.Opener from)
      throws IOException, InterruptedException {
    blob(GhaService.address(to.place()), http).put(from);
  }

  /** The bytes of an entry in Azure's storage. */
  static AzureBlob blob(URI address, GhaHttp http) {
    return AzureBlob.signed(address, http.azure(), CHUNK_BYTES, UPLOAD_TIME);
  }

  @Override
  public void commit(Reserved of, long sizeBytes) throws InterruptedException {
    check(
        call(
            "FinalizeCacheEntryUpload",
            GoJson.object()
                .text("key", of.key())
                .number("size_bytes", sizeBytes)
                .text("version", VERSION)),
        "failed to commit cache");
  }

  private static void check(JsonNode answer, String otherwise) {
    if (!answer.path("ok").asBoolean()) {
      throw new BuildException(Kind.UNKNOWN, otherwise);
    }
  }

  private JsonNode call(String method, GoJson body) throws InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder()
            .POST(BodyPublishers.ofByteArray(body.toBytes()))
            .header("Content-Type", "application/json");
    return http.send(
        options.url().resolve("twirp/github.actions.results.api.v1.CacheService/" + method),
        options.token().raw(),
        options.timeout(),
        request::copy);
  }
}
