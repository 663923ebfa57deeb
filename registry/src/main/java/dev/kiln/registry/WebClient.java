package dev.kiln.registry;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * For servers that are no registries: proxies of the environment, the system's roots, redirects
 * that never carry credentials to another host. Any thread; made on first use; {@link #close} ends
 * its connections.
 */
public final class WebClient implements AutoCloseable {
  private final Patience patience;
  private Optional<HttpClient> client = Optional.empty();

  public WebClient() {
    this(Patience.USUAL);
  }

  WebClient(Patience patience) {
    this.patience = patience;
  }

  private synchronized HttpClient client() {
    if (client.isEmpty()) {
      try {
        client =
            Optional.of(
                Endpoints.builder()
                    .proxy(EnvironmentProxies.of(System.getenv()))
                    .connectTimeout(Duration.ofSeconds(30))
                    .sslContext(Tls.context(RegistryHosts.Host.DEFAULT, false))
                    .build());
      } catch (GeneralSecurityException | IOException e) {
        throw new BuildException(Kind.INTERNAL, "failed to set up TLS: " + e.getMessage(), e);
      }
    }
    return client.get();
  }

  /**
   * Sends and follows redirects; the caller closes the body.
   *
   * @param prepared a request anew, without address and Authorization
   * @param authorization sent to the host of {@code uri} and its subdomains only, and never without
   *     encryption after an encrypted start
   */
  public HttpResponse<InputStream> send(
      URI uri, Supplier<HttpRequest.Builder> prepared, Optional<String> authorization)
      throws IOException, InterruptedException {
    URI at = Locations.checked(uri, "the source");
    boolean trusted = true;
    for (int redirects = 0; ; redirects++) {
      HttpRequest request = request(at, prepared, trusted ? authorization : Optional.empty());
      HttpResponse<InputStream> response;
      try {
        response = Sending.send(client(), request, Sending.AT_ONCE, patience);
      } catch (IOException e) {
        throw Endpoint.named(request, e);
      }
      Optional<String> location = Locations.redirect(response.statusCode(), response.headers());
      if (location.isEmpty()) {
        return response;
      }
      response.body().close();
      if (redirects == Locations.MAX_REDIRECTS) {
        throw new IOException(Locations.authority(uri) + ": stopped after 10 redirects");
      }
      URI next = Locations.resolve(at, location.get());
      // Once elsewhere, nobody knows who names the way back.
      trusted = trusted && sameDomain(uri, next) && !Locations.isDowngrade(at, next);
      at = next;
    }
  }

  private static HttpRequest request(
      URI at, Supplier<HttpRequest.Builder> prepared, Optional<String> authorization) {
    try {
      HttpRequest.Builder builder = prepared.get().uri(at);
      authorization.ifPresent(value -> builder.setHeader("Authorization", value));
      return builder.build();
    } catch (IllegalArgumentException e) { // whose message shows the header
      throw new BuildException(
          Kind.INVALID,
          "a header for " + Locations.authority(at) + " has a name or value that cannot be sent");
    }
  }

  private static boolean sameDomain(URI first, URI now) {
    String a = first.getHost();
    String b = now.getHost();
    return a != null
        && b != null
        && (b.equals(a) && (isUpgrade(first, now) || first.getPort() == now.getPort())
            || b.endsWith("." + a));
  }

  private static boolean isUpgrade(URI first, URI now) {
    return Locations.isDowngrade(now, first);
  }

  @Override
  public synchronized void close() {
    client.ifPresent(HttpClient::shutdownNow);
    client = Optional.empty();
  }
}
