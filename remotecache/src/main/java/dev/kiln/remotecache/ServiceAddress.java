package dev.kiln.remotecache;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Redaction;
import java.net.URI;
import java.net.URISyntaxException;

/** Addresses of services as clients name them. Stateless. */
final class ServiceAddress {
  private ServiceAddress() {}

  /**
   * The address in {@code url}.
   *
   * @param failure the beginning of the error's message
   * @throws BuildException {@code INVALID} where it is none of HTTP with a host
   */
  static URI of(String failure, String url) {
    URI address;
    try {
      address = new URI(url);
    } catch (URISyntaxException e) {
      throw invalid(failure, url, e.getReason());
    }
    String scheme = String.valueOf(address.getScheme());
    if (!scheme.equalsIgnoreCase("http") && !scheme.equalsIgnoreCase("https")) {
      throw invalid(failure, url, "it begins with neither http:// nor https://");
    }
    if (address.getHost() == null) {
      throw invalid(failure, url, "it names no host");
    }
    if (address.getPort() > 0xffff) {
      throw invalid(failure, url, "its port is above 65535");
    }
    return address;
  }

  private static BuildException invalid(String failure, String url, String why) {
    return new BuildException(
        Kind.INVALID, failure + ": \"" + Redaction.of(url) + "\" is no address: " + why);
  }
}
