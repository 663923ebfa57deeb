package dev.kiln.registry;

import com.google.re2j.Pattern;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Addresses that servers name: redirects, places for uploads, realms. Pure. Source: RFC 9110,
 * 10.2.2 and 15.4.
 */
final class Locations {
  private static final Pattern CONTROLS = Pattern.compile("[[:cntrl:]]");

  /** Redirects that are followed for one request, as many as Go's client follows. */
  static final int MAX_REDIRECTS = 10;

  private static final int LONGEST = 64 << 10;

  /** Parts of queries that are no secrets; others may be signatures or states of uploads. */
  private static final Set<String> SHOWN =
      Set.of("ns", "scope", "service", "mount", "from", "digest");

  private Locations() {}

  /**
   * The address that {@code text} means in an answer of {@code at}; characters that an address may
   * not have are escaped.
   *
   * @throws IOException for what is no address of a web server
   */
  static URI resolve(URI at, String text) throws IOException {
    if (text.length() > LONGEST) {
      throw new IOException(
          authority(at) + " named an address of " + text.length() + " characters");
    }
    URI to;
    try {
      to = at.resolve(escaped(text));
    } catch (IllegalArgumentException e) {
      throw new IOException(
          authority(at) + " named \"" + shown(text) + "\", which is no address", e);
    }
    return checked(to, authority(at));
  }

  /**
   * {@code to} itself.
   *
   * @param by who named it
   * @throws IOException where no web server can be asked there
   */
  static URI checked(URI to, String by) throws IOException {
    String scheme = to.getScheme() == null ? "" : to.getScheme().toLowerCase(Locale.ROOT);
    if (!scheme.equals("http") && !scheme.equals("https")) {
      throw new IOException(
          by + " named an address with the unsupported protocol scheme \"" + shown(scheme) + "\"");
    }
    if (to.getHost() == null || to.getPort() > 65535) {
      throw new IOException(by + " named \"" + shown(to) + "\", which is no address of a host");
    }
    return to;
  }

  /** Host and port, without a name or password. */
  static String authority(URI uri) {
    return uri.getHost() == null
        ? String.valueOf(uri.getAuthority())
        : uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
  }

  /** Whether going on from the one to the other would send in the clear what was encrypted. */
  static boolean isDowngrade(URI from, URI to) {
    return "https".equalsIgnoreCase(from.getScheme()) && !"https".equalsIgnoreCase(to.getScheme());
  }

  /** Where an answer with this status sends its client; empty for other answers. */
  static Optional<String> redirect(int status, HttpHeaders headers) {
    return switch (status) {
      case 301, 302, 303, 307, 308 -> headers.firstValue("Location");
      default -> Optional.empty();
    };
  }

  /** For messages: without names, passwords and the secret parts of a query. */
  static String shown(URI uri) {
    String text = uri.toString();
    int query = text.indexOf('?');
    String path = query < 0 ? text : text.substring(0, query);
    String user = uri.getRawUserInfo();
    if (user != null) {
      path = path.replace(user + "@", "");
    }
    if (query < 0) {
      return shown(path);
    }
    var out = new StringBuilder(path);
    char separator = '?';
    for (String pair : text.substring(query + 1).split("&")) {
      int equals = pair.indexOf('=');
      String name = equals < 0 ? pair : pair.substring(0, equals);
      out.append(separator).append(equals < 0 || SHOWN.contains(name) ? pair : name + "=xxxxx");
      separator = '&';
    }
    return shown(out.toString());
  }

  /** A text of a stranger, short and without control characters. */
  static String shown(String text) {
    String clean = CONTROLS.matcher(text).replaceAll(" ");
    return clean.length() <= 2000 ? clean : clean.substring(0, 2000) + "…";
  }

  private static String escaped(String text) {
    var out = new StringBuilder();
    for (byte b : text.strip().getBytes(StandardCharsets.UTF_8)) {
      int c = b & 0xff;
      if (c <= ' ' || c >= 127 || "\"<>\\^`{|}".indexOf(c) >= 0) {
        out.append('%').append(String.format(Locale.ROOT, "%02X", c));
      } else {
        out.append((char) c);
      }
    }
    return out.toString();
  }
}
