package dev.kiln.registry;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.net.http.HttpClient;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import javax.net.ssl.SSLContext;

/**
 * Makes and keeps the {@link Endpoint}s of each registry host with their HTTP clients. Any thread;
 * certificates are read when an endpoint is first asked. {@link #close} ends the clients.
 */
final class Endpoints implements AutoCloseable {
  private static final String HUB = "registry-1.docker.io";
  private final RegistryHosts config;
  private final ConcurrentMap<String, List<Endpoint>> pull = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, Endpoint> insecure = new ConcurrentHashMap<>();
  private final List<HttpClient> clients = new java.util.concurrent.CopyOnWriteArrayList<>();
  private final EnvironmentProxies proxies = EnvironmentProxies.of(System.getenv());

  Endpoints(RegistryHosts config) {
    this.config = config;
  }

  /** The mirrors of {@code domain} in their order, then the host itself. */
  List<Endpoint> forPull(String domain) {
    return pull.computeIfAbsent(domain, this::make);
  }

  /** The host itself, whatever is configured: unverified, or without TLS. */
  Endpoint insecure(String domain) {
    return insecure.computeIfAbsent(
        domain, d -> endpoint(real(d), "/v2", false, RegistryHosts.Host.ANYTHING_GOES));
  }

  private static String real(String domain) {
    return domain.equals("docker.io") ? HUB : domain;
  }

  private List<Endpoint> make(String domain) {
    RegistryHosts.Host own = config.of(domain);
    var all = new ArrayList<Endpoint>();
    for (String mirror : own.mirrors()) {
      String text = mirror.replaceFirst("^https?://", "").replaceFirst("/+$", "");
      int slash = text.indexOf('/');
      String host = slash < 0 ? text : text.substring(0, slash);
      String path = slash < 0 ? "" : text.substring(slash);
      all.add(endpoint(host, "/v2" + path, true, config.of(host)));
    }
    all.add(endpoint(real(domain), "/v2", false, own));
    return List.copyOf(all);
  }

  private Endpoint endpoint(String host, String prefix, boolean mirror, RegistryHosts.Host of) {
    boolean plain = of.plainHttp().orElse(Endpoint.isLocalhost(host));
    boolean insecure = of.insecure().orElse(false);
    boolean onlyPlain = plain && !insecure;
    return new Endpoint(
        host,
        prefix,
        mirror,
        onlyPlain,
        plain && insecure,
        () -> {
          HttpClient.Builder client =
              builder().connectTimeout(Duration.ofSeconds(30)).proxy(proxies);
          if (!onlyPlain) {
            client.sslContext(context(host, of, insecure));
          }
          HttpClient made = client.build();
          clients.add(made);
          return made;
        });
  }

  /** HTTP/1.1 on virtual threads; redirects are the caller's. */
  static HttpClient.Builder builder() {
    return HttpClient.newBuilder()
        // HTTP/2's flow control limits uploads to many registries.
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER)
        .executor(task ->
            Blocking.start(
                "http-client",
                () -> {
                  task.run();
                  return null;
                }));
  }

  private static SSLContext context(String host, RegistryHosts.Host of, boolean insecure) {
    try {
      return Tls.context(of, insecure);
    } catch (GeneralSecurityException | IOException e) {
      throw new BuildException(
          Kind.INVALID, "failed to set up TLS for registry " + host + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    clients.forEach(HttpClient::shutdownNow);
    clients.clear();
  }
}
