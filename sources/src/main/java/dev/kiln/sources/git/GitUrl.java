package dev.kiln.sources.git;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.FilePaths;
import dev.kiln.model.Kind;
import java.net.URLDecoder;
import java.util.Locale;
import java.util.Set;

/**
 * A git remote as builds name it: a URL, or {@code user@host:path} for ssh, and behind {@code #}
 * which ref and which folder. Immutable. (BuildKit v0.22 {@code util/gitutil/git_url.go}.)
 *
 * @param remote what git is given
 * @param host with its port, as secrets are named by it; empty for the ssh short form
 * @param ref empty for the remote's default branch
 * @param subdir empty for the whole tree
 */
public record GitUrl(String remote, String host, String ref, String subdir) {
  private static final Pattern CONTROLS = Pattern.compile("[[:cntrl:]]");
  private static final Pattern SCHEME = Pattern.compile("^([a-zA-Z0-9]+)://(?:[^/@]*@)?([^/?#]*)");
  private static final Pattern SHORT =
      Pattern.compile("^[a-zA-Z0-9-_]+@([a-zA-Z0-9-.]+):.*?(?:#.*)?$", Pattern.DOTALL);
  private static final Set<String> PROTOCOLS = Set.of("http", "https", "ssh", "git");

  /** Whether the text says how the remote is reached, so that no scheme need be added. */
  public static boolean isTransport(String text) {
    Matcher m = SCHEME.matcher(text);
    return m.find()
        ? PROTOCOLS.contains(m.group(1).toLowerCase(Locale.ROOT))
        : SHORT.matcher(text).matches();
  }

  /**
   * @throws BuildException {@code INVALID} for other protocols, and for what git or ssh would take
   *     for an option
   */
  public static GitUrl parse(String text) {
    if (text.chars().anyMatch(c -> c < ' ' || c == 0x7f)) {
      throw new BuildException(Kind.INVALID, "invalid control character in URL");
    }
    int hash = text.indexOf('#');
    String remote = hash < 0 ? text : text.substring(0, hash);
    String fragment = hash < 0 ? "" : text.substring(hash + 1);
    Matcher scheme = SCHEME.matcher(text);
    String host = "";
    if (scheme.find()) {
      if (!PROTOCOLS.contains(scheme.group(1).toLowerCase(Locale.ROOT))) {
        throw new BuildException(
            Kind.INVALID, scheme.group(1).toLowerCase(Locale.ROOT) + ": invalid protocol");
      }
      host = scheme.group(2);
      if (host.startsWith("-") || remote.startsWith("-", remote.indexOf("://") + 3)) {
        throw new BuildException(Kind.INVALID, "invalid host in the URL of a Git repository");
      }
      try {
        fragment = URLDecoder.decode(fragment.replace("+", "%2B"), UTF_8);
      } catch (IllegalArgumentException e) {
        throw new BuildException(Kind.INVALID, "invalid URL escape in fragment", e);
      }
    } else if (!SHORT.matcher(text).matches()) {
      throw new BuildException(Kind.INVALID, "unknown protocol");
    } else if (remote.startsWith("-") || remote.contains("@-") || remote.contains(":-")) {
      throw new BuildException(Kind.INVALID, "invalid host in the URL of a Git repository");
    }
    int colon = fragment.indexOf(':');
    return new GitUrl(
        remote,
        host,
        colon < 0 ? fragment : fragment.substring(0, colon),
        colon < 0 ? "" : fragment.substring(colon + 1));
  }

  /**
   * The ref.
   *
   * @throws BuildException {@code INVALID} for what git would take for an option (BuildKit v0.28.1
   *     {@code source/git/source.go}), or that no ref can be
   */
  static String checkedRef(String ref) {
    if (ref.startsWith("-") || ref.chars().anyMatch(c -> c < ' ' || c == 0x7f)) {
      throw new BuildException(
          Kind.INVALID, "invalid git ref \"" + CONTROLS.matcher(ref).replaceAll("?") + "\"");
    }
    return ref;
  }

  /** Whether both are one path of one host, however it is reached. */
  boolean isSameRepository(GitUrl other) {
    return place().equalsIgnoreCase(other.place()) && path().equals(other.path());
  }

  private boolean isShort() {
    return !SCHEME.matcher(remote).find();
  }

  private String place() {
    return isShort() ? remote.substring(remote.indexOf('@') + 1, remote.indexOf(':')) : host;
  }

  private String path() {
    int from = isShort() ? remote.indexOf(':') + 1 : remote.indexOf('/', remote.indexOf("://") + 3);
    String path = from < 0 ? "" : remote.substring(from);
    int query = isShort() ? -1 : path.indexOf('?');
    String plain = query < 0 ? path : path.substring(0, query);
    plain = isShort() ? plain : unescaped(plain);
    String clean = FilePaths.clean("/" + plain);
    return clean.endsWith(".git") ? clean.substring(0, clean.length() - 4) : clean;
  }

  /** A path with a percent sign that begins no escape is what git is given: it stays as it is. */
  private static String unescaped(String path) {
    try {
      return URLDecoder.decode(path.replace("+", "%2B"), UTF_8);
    } catch (IllegalArgumentException e) {
      return path;
    }
  }

  static boolean isCommit(String text) {
    return text.length() == 40
        && text.chars().allMatch(c -> c >= '0' && c <= '9' || c >= 'a' && c <= 'f');
  }
}
