package dev.kiln.registry;

import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.ThreadPerTask;
import java.io.IOException;
import java.net.http.HttpClient;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import javax.net.ssl.SSLContext;

/**
 * Makes and keeps the {@link Endpoint}s of each registry host with their HTTP clients. Any thread;
 * certificates are read when an endpoint is first asked. {@link #close} ends the clients.
 */
final class Endpoints implements AutoCloseable {
  private static final Pattern SCHEME_OR_END = Pattern.compile("^https?://|/+$");
  private static final String HUB = "registry-1.docker.io";
  private static final int MANY = 1024;
  private final RegistryHosts config;
  private final ConcurrentMap<String, List<Endpoint>> pull = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, Endpoint> insecure = new ConcurrentHashMap<>();

  /** One for each way to do TLS, however many hosts are named: each has a thread. */
  private final ConcurrentMap<TlsUse, HttpClient> clients = new ConcurrentHashMap<>();

  private final Patience patience;
  private final EnvironmentProxies proxies = EnvironmentProxies.of(System.getenv());

  /**
   * What TLS connections of a client have in common.
   *
   * @param of settings without what is not about TLS
   */
  private record TlsUse(RegistryHosts.Host of, boolean insecure, boolean onlyPlain) {}

  Endpoints(RegistryHosts config, Patience patience) {
    this.config = config;
    this.patience = patience;
  }

  /** Whether the host itself is spoken to without TLS. */
  boolean isPlain(String host) {
    return config.of(host).plainHttp().orElse(Endpoint.isLocalhost(host));
  }

  /** The mirrors of {@code domain} in their order, then the host itself. */
  List<Endpoint> forPull(String domain) {
    return bounded(pull).computeIfAbsent(domain, this::make);
  }

  /** The host itself, whatever is configured: unverified, or without TLS. */
  Endpoint insecure(String domain) {
    return bounded(insecure)
        .computeIfAbsent(
            domain, d -> endpoint(real(d), "/v2", false, RegistryHosts.Host.ANYTHING_GOES));
  }

  /** Whoever names hosts without end makes them be looked up anew, and nothing grow. */
  private static <V> ConcurrentMap<String, V> bounded(ConcurrentMap<String, V> map) {
    if (map.size() >= MANY) {
      map.clear();
    }
    return map;
  }

  private static String real(String domain) {
    return domain.equals("docker.io") ? HUB : domain;
  }

  private List<Endpoint> make(String domain) {
    RegistryHosts.Host own = config.of(domain);
    var all = new ArrayList<Endpoint>();
    for (String mirror : own.mirrors()) {
      String text = SCHEME_OR_END.matcher(mirror).replaceAll("");
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
    var tls =
        new RegistryHosts.Host(
            List.of(), Optional.empty(), Optional.empty(), of.roots(), of.keyPairs(), of.tlsDirs());
    var use = new TlsUse(onlyPlain ? RegistryHosts.Host.DEFAULT : tls, insecure, onlyPlain);
    return new Endpoint(
        host,
        prefix,
        mirror,
        onlyPlain,
        plain && insecure,
        () -> clients.computeIfAbsent(use, u -> connect(host, u)),
        patience);
  }

  private HttpClient connect(String host, TlsUse use) {
    HttpClient.Builder client = builder().connectTimeout(Duration.ofSeconds(30)).proxy(proxies);
    if (!use.onlyPlain()) {
      client.sslContext(context(host, use.of(), use.insecure()));
    }
    return client.build();
  }

  /** HTTP/1.1 on virtual threads; redirects are the caller's. */
  static HttpClient.Builder builder() {
    return HttpClient.newBuilder()
        // HTTP/2's flow control limits uploads to many registries.
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER)
        .executor(new ThreadPerTask("http-client"));
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
    clients.values().forEach(HttpClient::shutdownNow);
    clients.clear();
  }
}
