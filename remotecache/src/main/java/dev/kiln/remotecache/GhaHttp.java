package dev.kiln.remotecache;

import com.azure.core.http.HttpClient;
import com.azure.core.http.jdk.httpclient.JdkHttpClientBuilder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.registry.WebClient;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Requests to GitHub's services, for all builds: when one is told to be too many, all wait. Any
 * thread; calls block. Its clients are opened on first use and live as long as the daemon.
 */
final class GhaHttp {
  private static final int ANSWER_LIMIT = 4 << 20;
  private static final int ERROR_LIMIT = 32 << 10;
  private static final int TOO_MANY = 429;

  private final WebClient web = new WebClient();
  private final Supplier<HttpClient> azure = Lazily.of(() -> new JdkHttpClientBuilder().build());
  private final Backoff backoff;
  private final String userAgent;

  GhaHttp(Backoff backoff, String userAgent) {
    this.backoff = backoff;
    this.userAgent = userAgent;
  }

  Backoff backoff() {
    return backoff;
  }

  /** The client for addresses in Azure's storage. */
  HttpClient azure() {
    return azure.get();
  }

  /**
   * Sends a request, again after each 429.
   *
   * @param token sent, and told to nobody else
   * @param timeout for all together
   * @param prepared a request anew, without address and Authorization
   * @return what the service says; missing where it says nothing
   * @throws BuildException {@code ALREADY_EXISTS} where the service says so
   */
  JsonNode send(URI uri, String token, Duration timeout, Supplier<HttpRequest.Builder> prepared)
      throws InterruptedException {
    Instant deadline = backoff.now().plus(timeout);
    Optional<BuildException> refused = Optional.empty();
    while (backoff.await(deadline)) {
      try {
        HttpResponse<InputStream> response =
            web.send(
                uri,
                () -> prepared.get().header("User-Agent", userAgent).timeout(timeout),
                Optional.of("Bearer " + token));
        try (InputStream body = response.body()) {
          if (response.statusCode() / 100 == 2) {
            backoff.answered();
            return Json.read(
                Kind.UNKNOWN, "the cache service's answer", body.readNBytes(ANSWER_LIMIT));
          }
          BuildException failure = failure(response.statusCode(), body.readNBytes(ERROR_LIMIT));
          if (response.statusCode() != TOO_MANY) {
            backoff.answered();
            throw failure;
          }
          backoff.refused(retryAfter(response));
          refused = Optional.of(failure);
        }
      } catch (IOException e) {
        throw new BuildException(Kind.UNAVAILABLE, String.valueOf(e.getMessage()), e);
      }
    }
    throw refused
        .orElseGet(() -> new BuildException(Kind.UNAVAILABLE, "too many requests"))
        .wrap("maximum timeout reached");
  }

  private static Duration retryAfter(HttpResponse<?> response) {
    String seconds = response.headers().firstValue("Retry-After").orElse("");
    return Pattern.matches("[0-9]{1,6}", seconds)
        ? Duration.ofSeconds(Long.parseLong(seconds))
        : Duration.ZERO;
  }

  private static BuildException failure(int status, byte[] body) {
    JsonNode json = Json.find(body).orElseGet(MissingNode::getInstance);
    String code = json.path("code").asText();
    String message = json.path("message").asText();
    if (message.isEmpty() && !code.isEmpty()) {
      message =
          json.path("msg").asText().isEmpty() ? code : code + ": " + json.path("msg").asText();
    }
    boolean exists =
        json.path("typeKey").asText().contains("AlreadyExists")
            || code.equals("already_exists")
            || message.toLowerCase(Locale.ROOT).contains("already exists");
    if (message.isEmpty()) {
      message = "unknown error " + status + ": " + new String(body, StandardCharsets.UTF_8);
    }
    return new BuildException(exists ? Kind.ALREADY_EXISTS : kind(status), message);
  }

  private static Kind kind(int status) {
    return switch (status) {
      case 401, 403 -> Kind.DENIED;
      default -> status == TOO_MANY || status >= 500 ? Kind.UNAVAILABLE : Kind.UNKNOWN;
    };
  }

  /** The bytes at an address that carries the right to read them, and is told to nobody. */
  InputStream download(URI address, long offset) throws InterruptedException {
    HttpResponse<InputStream> response;
    try {
      response =
          web.send(
              address,
              () ->
                  offset == 0
                      ? HttpRequest.newBuilder()
                      : HttpRequest.newBuilder().header("Range", "bytes=" + offset + "-"),
              Optional.empty());
    } catch (IOException e) {
      Throwable cause = Optional.ofNullable(e.getCause()).orElseGet(IOException::new);
      throw failed(Kind.UNAVAILABLE, address, String.valueOf(cause.getMessage()));
    }
    String range = response.headers().firstValue("Content-Range").orElse("");
    if (response.statusCode() / 100 == 2
        && (offset == 0 || range.startsWith("bytes " + offset + "-"))) {
      return response.body();
    }
    try (InputStream _ = response.body()) {
      throw failed(Kind.UNKNOWN, address, "invalid status response " + response.statusCode());
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  private static BuildException failed(Kind kind, URI address, String why) {
    return new BuildException(kind, "download from " + address.getHost() + " failed: " + why);
  }
}
