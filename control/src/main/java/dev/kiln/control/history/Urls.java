package dev.kiln.control.history;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;

/** URLs without the credentials in them. Stateless. Form: BuildKit v0.22 {@code util/urlutil}. */
final class Urls {
  private static final Pattern USER_INFO =
      Pattern.compile("([a-zA-Z][a-zA-Z0-9+.-]*://)([^/?#@]*)@(.*)", Pattern.DOTALL);
  private static final String MASK = "xxxxx";

  private Urls() {}

  /** The URL with name and password masked; any other text as it is. */
  static String masked(String url) {
    Matcher m = USER_INFO.matcher(url);
    if (!m.matches() || m.group(2).isEmpty()) {
      return url;
    }
    int colon = m.group(2).indexOf(':');
    String user = colon == 0 ? "" : MASK;
    return m.group(1) + user + (colon < 0 ? "" : ":" + MASK) + "@" + m.group(3);
  }
}
