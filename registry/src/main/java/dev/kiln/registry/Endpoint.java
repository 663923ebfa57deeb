package dev.kiln.registry;

import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;

/**
 * One way to reach a registry: the host itself or a mirror. Any thread; the HTTP client belongs to
 * {@link Endpoints}.
 */
final class Endpoint {
  private final String host;
  private final String prefix;
  private final boolean mirror;
  private final boolean plain;

  /** Try https, and go over to http for good when no TLS is spoken there. */
  private final boolean mayFallBack;

  private final AtomicBoolean fellBack = new AtomicBoolean();
  private final Supplier<HttpClient> client;
  private final Patience patience;

  /**
   * @param client asked when the first request is sent: roots of trust are many, and most endpoints
   *     behind a mirror are never asked
   */
  Endpoint(
      String host,
      String prefix,
      boolean mirror,
      boolean plain,
      boolean mayFallBack,
      Supplier<HttpClient> client,
      Patience patience) {
    this.host = host;
    this.prefix = prefix;
    this.mirror = mirror;
    this.plain = plain;
    this.mayFallBack = mayFallBack;
    this.client = client;
    this.patience = patience;
  }

  /** Host and port, as credentials are asked for. */
  String host() {
    return host;
  }

  boolean isMirror() {
    return mirror;
  }

  /**
   * The address of a thing below the repository; a mirror is told for which host it stands in.
   *
   * @param query without the question mark, or empty
   */
  URI uri(String namespace, String repository, String thing, String query) {
    boolean standsIn =
        !namespace.equals(host)
            && !(namespace.equals("docker.io") && host.equals("registry-1.docker.io"));
    String all = query;
    if (mirror && standsIn) {
      all = (query.isEmpty() ? "" : query + "&") + "ns=" + namespace.replace(":", "%3A");
    }
    String text =
        (isPlain() ? "http://" : "https://")
            + host
            + prefix
            + "/"
            + repository
            + "/"
            + thing
            + (all.isEmpty() ? "" : "?" + all);
    try {
      return Locations.checked(new URI(text), "the configuration or a reference");
    } catch (URISyntaxException | IOException e) {
      throw new BuildException(Kind.INVALID, "not the address of a registry: " + text, e);
    }
  }

  /**
   * Sends one request; the caller closes the body. A redirect is an answer like any other.
   *
   * @throws IOException "failed to do request: …"
   */
  HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException {
    return send(request, Sending.AT_ONCE);
  }

  /**
   * As above.
   *
   * @param sent how many bytes of the request have gone
   */
  HttpResponse<InputStream> send(HttpRequest request, LongSupplier sent)
      throws IOException, InterruptedException {
    try {
      return Sending.send(client.get(), request, sent, patience);
    } catch (IOException e) {
      boolean own = request.uri().getScheme().equals("https") && isAt(request.uri());
      if (mayFallBack && own && speaksNoTls(e)) {
        fellBack.set(true);
        return send(
            HttpRequest.newBuilder(request, (_, _) -> true).uri(plain(request)).build(), sent);
      }
      throw named(request, e);
    }
  }

  /** Whether requests go there without TLS. */
  boolean isPlain() {
    return plain || fellBack.get();
  }

  /** Whether {@code uri} lies at this very host. */
  boolean isAt(URI uri) {
    return host.equals(Locations.authority(uri));
  }

  private static URI plain(HttpRequest request) {
    return URI.create("http" + request.uri().toString().substring("https".length()));
  }

  private boolean speaksNoTls(IOException e) {
    // With a port in the name, a refused connection says nothing about TLS.
    return e instanceof SSLException
        || e instanceof ConnectException && host.lastIndexOf(':') <= host.lastIndexOf(']');
  }

  /** What Go's client says, which users have learned to read. */
  static IOException named(HttpRequest request, IOException e) {
    String method = request.method().charAt(0) + request.method().substring(1).toLowerCase();
    String reason = e.getMessage() == null ? e.toString() : e.getMessage();
    String at = Locations.authority(request.uri());
    if (e instanceof ConnectException) {
      boolean unknown =
          e.getCause() instanceof java.nio.channels.UnresolvedAddressException
              || e.getCause() != null
                  && e.getCause().getCause()
                      instanceof java.nio.channels.UnresolvedAddressException;
      reason =
          unknown
              ? "dial tcp: lookup " + request.uri().getHost() + ": no such host"
              : "dial tcp " + at + ": connect: connection refused";
    } else if (reason.contains("received no bytes") || reason.contains("EOF reached")) {
      reason = "EOF";
    }
    String text =
        "failed to do request: "
            + method
            + " \""
            + Locations.shown(request.uri())
            + "\": "
            + reason;
    return e instanceof ConnectException
        ? (IOException) new ConnectException(text).initCause(e)
        : new IOException(text, e);
  }

  /** Whether a host (with or without port) is this machine. */
  static boolean isLocalhost(String host) {
    String name = host;
    if (host.startsWith("[")) {
      int end = host.indexOf(']');
      name = end < 0 ? host : host.substring(1, end);
    } else if (host.indexOf(':') >= 0 && host.indexOf(':') == host.lastIndexOf(':')) {
      name = host.substring(0, host.indexOf(':'));
    }
    if (name.equals("localhost") || name.equals("::1")) {
      return true;
    }
    try {
      // Only literals are parsed: names are never looked up for this.
      return Pattern.matches("[0-9.]+", name) && InetAddress.ofLiteral(name).isLoopbackAddress();
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
