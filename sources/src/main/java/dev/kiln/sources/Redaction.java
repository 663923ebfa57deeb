package dev.kiln.sources;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;

/** Takes names and passwords out of URLs before anybody reads them. Pure. */
public final class Redaction {
  private static final String MASK = "xxxxx";
  private static final Pattern USER =
      Pattern.compile("([A-Za-z][A-Za-z0-9+.-]{0,30}://)([^/?#@\\s'\"]*)@");

  private Redaction() {}

  /** Every URL in {@code text} with its user and password masked. */
  public static String of(String text) {
    Matcher m = USER.matcher(text);
    var out = new StringBuilder();
    while (m.find()) {
      m.appendReplacement(out, Matcher.quoteReplacement(m.group(1) + masked(m.group(2)) + "@"));
    }
    return m.appendTail(out).toString();
  }

  private static String masked(String user) {
    int colon = user.indexOf(':');
    if (colon < 0) {
      return user.isEmpty() ? "" : MASK;
    }
    return (colon == 0 ? "" : MASK) + ":" + MASK;
  }
}
