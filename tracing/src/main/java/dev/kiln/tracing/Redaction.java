package dev.kiln.tracing;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import java.util.Set;
import java.util.function.Function;

/** Takes names, passwords and signatures out of URLs before anybody reads them. Pure, linear. */
public final class Redaction {
  private static final String MASK = "xxxxx";

  /** What precedes the last at sign of an authority, and the digest that may follow instead. */
  private static final String USER_AT = "([^/?#\\s\"]*)@(sha[0-9]+:";

  private static final Pattern URL =
      Pattern.compile("([A-Za-z][A-Za-z0-9+.-]{0,30}://)" + USER_AT + ")?");

  /** The same without a scheme, as in the name of an image. */
  private static final Pattern WORD =
      Pattern.compile("((?:^|[\\s'\"=,(])['(\\[]*)" + USER_AT + "|[A-Za-z0-9.-]+(?::[0-9]+)?/)?");

  private static final Pattern QUERY =
      Pattern.compile("(://[^?#\\s\"]*)?\\?([^#\\s\"]*[^#\\s\"'():,;.\\]}>])");

  /** Of git contexts; everything else in a query may be a secret. */
  private static final Set<String> HARMLESS =
      Set.of("ref", "tag", "branch", "commit", "checksum", "subdir", "keep-git-dir", "submodules");

  private Redaction() {}

  /** Every URL in {@code text} with its user and password masked. */
  public static String of(String text) {
    return text.indexOf('@') < 0 ? text : replace(URL, text, Redaction::url);
  }

  /**
   * What others than the author of {@code text} may read: logs, spans, records. Users are masked
   * without a scheme too, and so is each value in a query but those of git contexts.
   */
  public static String forOperators(String text) {
    String masked = text.indexOf('@') < 0 ? text : replace(WORD, of(text), Redaction::word);
    return masked.indexOf('?') < 0 ? masked : replace(QUERY, masked, Redaction::query);
  }

  private static String replace(Pattern pattern, String text, Function<Matcher, String> by) {
    Matcher m = pattern.matcher(text);
    var out = new StringBuilder();
    while (m.find()) {
      m.appendReplacement(out, Matcher.quoteReplacement(by.apply(m)));
    }
    return m.appendTail(out).toString();
  }

  private static String url(Matcher m) {
    return m.group(3) == null ? m.group(1) + masked(m.group(2)) + "@" : m.group();
  }

  private static String word(Matcher m) {
    String host = m.group(3) == null ? "" : m.group(3);
    boolean digest = host.endsWith(":");
    boolean user = m.group(2).indexOf(':') >= 0 || host.endsWith("/");
    return user && !digest ? m.group(1) + masked(m.group(2)) + "@" + host : m.group();
  }

  private static String masked(String user) {
    int colon = user.indexOf(':');
    if (colon < 0) {
      return user.isEmpty() ? "" : MASK;
    }
    return (colon == 0 ? "" : MASK) + ":" + MASK;
  }

  private static String query(Matcher m) {
    boolean ofUrl = m.group(1) != null;
    var out = new StringBuilder(ofUrl ? m.group(1) : "").append('?');
    String query = m.group(2);
    for (int from = 0; from <= query.length(); ) {
      int and = query.indexOf('&', from);
      int to = and < 0 ? query.length() : and;
      out.append(parameter(query.substring(from, to), ofUrl)).append(and < 0 ? "" : "&");
      from = to + 1;
    }
    return out.toString();
  }

  private static String parameter(String text, boolean ofUrl) {
    int equals = text.indexOf('=');
    if (equals < 0) {
      return ofUrl && !text.isEmpty() ? MASK : text;
    }
    String name = text.substring(0, equals);
    if (HARMLESS.contains(name)) {
      return text;
    }
    boolean padding = text.chars().skip(equals).allMatch(c -> c == '=');
    return padding ? MASK : name + "=" + MASK;
  }
}
