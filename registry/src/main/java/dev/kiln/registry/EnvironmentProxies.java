package dev.kiln.registry;

import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Redaction;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The proxies that the daemon's environment names: {@code HTTP_PROXY}, {@code HTTPS_PROXY}, {@code
 * NO_PROXY}, in either case. Immutable. Rules: Go's {@code net/http.ProxyFromEnvironment} (this
 * machine is never reached through a proxy), without address ranges in {@code NO_PROXY}.
 */
public final class EnvironmentProxies extends ProxySelector {
  private static final Pattern LEADING_DOT = Pattern.compile("^\\*?\\.");
  private final Optional<InetSocketAddress> http;
  private final Optional<InetSocketAddress> https;
  private final List<String> direct;

  private EnvironmentProxies(
      Optional<InetSocketAddress> http, Optional<InetSocketAddress> https, List<String> direct) {
    this.http = http;
    this.https = https;
    this.direct = direct;
  }

  /**
   * @throws BuildException {@code INVALID} naming the variable that holds no address
   */
  public static EnvironmentProxies of(Map<String, String> environment) {
    var direct = new ArrayList<String>();
    for (String entry : variable(environment, "NO_PROXY").split("[, ]+")) {
      if (!entry.isEmpty()) {
        direct.add(LEADING_DOT.matcher(entry.toLowerCase(Locale.ROOT)).replaceFirst(""));
      }
    }
    return new EnvironmentProxies(
        address("HTTP_PROXY", variable(environment, "HTTP_PROXY")),
        address("HTTPS_PROXY", variable(environment, "HTTPS_PROXY")),
        List.copyOf(direct));
  }

  private static String variable(Map<String, String> environment, String name) {
    String upper = environment.getOrDefault(name, "");
    return upper.isEmpty() ? environment.getOrDefault(name.toLowerCase(Locale.ROOT), "") : upper;
  }

  private static Optional<InetSocketAddress> address(String name, String text) {
    if (text.isEmpty()) {
      return Optional.empty();
    }
    URI uri;
    try {
      uri = new URI(text.contains("://") ? text : "http://" + text);
    } catch (URISyntaxException e) {
      throw wrong(name, text, e.getReason());
    }
    if (uri.getHost() == null) { // as for a_b, which is a name to Docker and none to the JDK
      throw wrong(
          name, text, "it has no host, or one with other than letters, digits, '-' and '.'");
    }
    int port = uri.getPort() >= 0 ? uri.getPort() : "https".equals(uri.getScheme()) ? 443 : 80;
    if (port > 65_535) {
      throw wrong(name, text, "a port is at most 65535");
    }
    return Optional.of(InetSocketAddress.createUnresolved(uri.getHost(), port));
  }

  private static BuildException wrong(String name, String text, String why) {
    return new BuildException(
        Kind.INVALID,
        "the environment's "
            + name
            + " \""
            + Redaction.of(text)
            + "\" is no address of a proxy: "
            + why);
  }

  @Override
  public List<Proxy> select(URI uri) {
    Optional<InetSocketAddress> proxy = "https".equals(uri.getScheme()) ? https : http;
    String host = uri.getHost() == null ? "" : uri.getHost().toLowerCase(Locale.ROOT);
    boolean near =
        Endpoint.isLocalhost(host)
            || direct.stream()
                .anyMatch(d ->
                    d.equals("*")
                        || host.equals(d)
                        || host.endsWith("." + d)
                        || (host + ":" + uri.getPort()).equals(d));
    return proxy
        .filter(_ -> !near)
        .map(p ->
            List.of(
                new Proxy(Proxy.Type.HTTP, new InetSocketAddress(p.getHostName(), p.getPort()))))
        .orElse(List.of(Proxy.NO_PROXY));
  }

  @Override
  public void connectFailed(URI uri, SocketAddress at, IOException e) {
    // The request itself fails and says so.
  }
}
