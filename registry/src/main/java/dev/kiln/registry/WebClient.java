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
  private static final int MAX_REDIRECTS = 10;
  private Optional<HttpClient> client = Optional.empty();

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
   * @param authorization sent to the host of {@code uri} and its subdomains only
   */
  public HttpResponse<InputStream> send(
      URI uri, Supplier<HttpRequest.Builder> prepared, Optional<String> authorization)
      throws IOException, InterruptedException {
    URI at = uri;
    for (int redirects = 0; ; redirects++) {
      HttpRequest.Builder builder = prepared.get().uri(at);
      if (sameDomain(uri, at)) {
        authorization.ifPresent(value -> builder.setHeader("Authorization", value));
      }
      HttpRequest request = builder.build();
      HttpResponse<InputStream> response;
      try {
        response = client().send(request, HttpResponse.BodyHandlers.ofInputStream());
      } catch (IOException e) {
        throw Endpoint.named(request, e);
      }
      Optional<String> location = response.headers().firstValue("Location");
      boolean redirected =
          switch (response.statusCode()) {
            case 301, 302, 303, 307, 308 -> location.isPresent();
            default -> false;
          };
      if (!redirected) {
        return response;
      }
      response.body().close();
      if (redirects == MAX_REDIRECTS) {
        throw new IOException("stopped after 10 redirects");
      }
      URI next = at.resolve(location.get());
      if (!"http".equals(next.getScheme()) && !"https".equals(next.getScheme())) {
        throw new IOException("unsupported protocol scheme \"" + next.getScheme() + "\"");
      }
      at = next;
    }
  }

  private static boolean sameDomain(URI first, URI now) {
    String a = first.getHost();
    String b = now.getHost();
    return a != null && b != null && (b.equals(a) || b.endsWith("." + a));
  }

  @Override
  public synchronized void close() {
    client.ifPresent(HttpClient::shutdownNow);
    client = Optional.empty();
  }
}
