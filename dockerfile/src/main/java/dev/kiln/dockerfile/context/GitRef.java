package dev.kiln.dockerfile.context;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.kiln.dockerfile.text.SlashPath;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/**
 * A git repository as users name it: a URL ({@code https://host/repo.git#ref:folder}), {@code
 * user@host:path}, or {@code github.com/owner/repo} (features F-121). Immutable; absent parts are
 * empty.
 *
 * @param remote what git is told
 * @param host host and port, for the identifier
 * @param looksLocal could as well be a path of the build context
 */
public record GitRef(
    String scheme,
    String remote,
    String host,
    String path,
    String ref,
    String subdir,
    boolean looksLocal) {
  private static final Pattern URL =
      Pattern.compile("([a-zA-Z0-9]+)://(?:[^/?#@]*@)?([^/?#]*)([^?#]*)(\\?[^#]*)?(?:#(.*))?");
  private static final Pattern SCP =
      Pattern.compile("([a-zA-Z0-9-_]+)@([a-zA-Z0-9-.]+):(.*?)(?:#(.*))?");

  /** The repository that {@code text} names; empty if it names something else. */
  public static Optional<GitRef> parse(String text) {
    if (text.startsWith("./") || text.startsWith("../")) {
      return Optional.empty();
    }
    if (text.startsWith("github.com/")) {
      return parseUrl("https://" + text)
          .map(r ->
              new GitRef(
                  r.scheme,
                  r.remote.substring("https://".length()),
                  r.host,
                  r.path,
                  r.ref,
                  r.subdir,
                  true));
    }
    Optional<GitRef> parsed = parseUrl(text).or(() -> parseScp(text));
    boolean web = parsed.map(r -> r.scheme.startsWith("http")).orElse(false);
    // A web address is a repository only if it says so.
    return web ? parsed.filter(r -> r.path.endsWith(".git")) : parsed;
  }

  private static Optional<GitRef> parseUrl(String text) {
    Matcher m = URL.matcher(text);
    if (!m.matches()) {
      return Optional.empty();
    }
    String scheme = m.group(1).toLowerCase(Locale.ROOT);
    return switch (scheme) {
      case "http", "https", "ssh", "git" -> {
        int hash = text.indexOf('#');
        String remote = hash < 0 ? text : text.substring(0, hash);
        yield Optional.of(
            of(
                scheme,
                scheme + remote.substring(scheme.length()),
                m.group(2),
                decoded(m.group(3)),
                m.group(5) == null ? "" : decoded(m.group(5))));
      }
      default -> Optional.empty();
    };
  }

  private static Optional<GitRef> parseScp(String text) {
    Matcher m = SCP.matcher(text);
    if (!m.matches()) {
      return Optional.empty();
    }
    String fragment = m.group(4) == null ? "" : m.group(4);
    String remote = m.group(1) + "@" + m.group(2) + ":" + m.group(3);
    return Optional.of(of("ssh", remote, m.group(2), m.group(3), fragment));
  }

  private static GitRef of(
      String scheme, String remote, String host, String path, String fragment) {
    int colon = fragment.indexOf(':');
    return new GitRef(
        scheme,
        remote,
        host,
        path,
        colon < 0 ? fragment : fragment.substring(0, colon),
        colon < 0 ? "" : fragment.substring(colon + 1),
        false);
  }

  private static String decoded(String part) {
    try {
      return URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) { // a stray percent sign stands for itself
      return part;
    }
  }

  /** {@code ref[:folder]}, as identifiers hold it. */
  String checkout() {
    return subdir.isEmpty() ? ref : ref + ":" + subdir;
  }

  /** The same for every way to reach the repository. */
  String identifier() {
    String checkout = checkout();
    return "git://" + host + SlashPath.join("/", path) + (checkout.isEmpty() ? "" : "#" + checkout);
  }

  /** What git is told, with a scheme. */
  String fullUrl() {
    return looksLocal ? "https://" + remote : remote;
  }
}
