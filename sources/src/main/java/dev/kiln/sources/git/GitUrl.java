package dev.kiln.sources.git;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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
   * @throws BuildException {@code INVALID} for other protocols
   */
  public static GitUrl parse(String text) {
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
      try {
        fragment = URLDecoder.decode(fragment.replace("+", "%2B"), StandardCharsets.UTF_8);
      } catch (IllegalArgumentException e) {
        throw new BuildException(Kind.INVALID, "invalid URL escape in fragment", e);
      }
    } else if (!SHORT.matcher(text).matches()) {
      throw new BuildException(Kind.INVALID, "unknown protocol");
    }
    int colon = fragment.indexOf(':');
    return new GitUrl(
        remote,
        host,
        colon < 0 ? fragment : fragment.substring(0, colon),
        colon < 0 ? "" : fragment.substring(colon + 1));
  }

  static boolean isCommit(String text) {
    return text.length() == 40
        && text.chars().allMatch(c -> c >= '0' && c <= '9' || c >= 'a' && c <= 'f');
  }
}
