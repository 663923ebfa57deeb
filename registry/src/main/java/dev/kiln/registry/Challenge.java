package dev.kiln.registry;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a 401 asks for: one challenge of its {@code WWW-Authenticate} headers, parsed. Immutable.
 *
 * <p>Source: RFC 9110, 11.3 to 11.6; distribution-spec's token authentication.
 */
record Challenge(Scheme scheme, Map<String, String> parameters) {
  /** In order of preference. */
  enum Scheme {
    BEARER,
    BASIC
  }

  Challenge {
    parameters = Map.copyOf(parameters);
  }

  Optional<String> parameter(String name) {
    return Optional.ofNullable(parameters.get(name));
  }

  /** The challenges of all header lines, best first; unknown schemes are left out. */
  static List<Challenge> parse(List<String> headers) {
    var all = new ArrayList<Challenge>();
    for (String header : headers) {
      new Scanner(header).challenges(all);
    }
    all.sort(Comparator.comparing(Challenge::scheme));
    return all;
  }

  private static final class Scanner {
    private final String text;
    private int at;

    Scanner(String text) {
      this.text = text;
    }

    private boolean see(char c) {
      return at < text.length() && text.charAt(at) == c;
    }

    private void skip(boolean commas) {
      while (at < text.length()
          && (Character.isWhitespace(text.charAt(at)) || commas && see(','))) {
        at++;
      }
    }

    /** Adds each challenge of the line; what is none ends it. */
    void challenges(List<Challenge> all) {
      while (true) {
        skip(true);
        String scheme = token().toLowerCase(Locale.ROOT);
        if (scheme.isEmpty()) {
          return;
        }
        Map<String, String> parameters = parameters();
        switch (scheme) {
          case "bearer" -> all.add(new Challenge(Scheme.BEARER, parameters));
          case "basic" -> all.add(new Challenge(Scheme.BASIC, parameters));
          default -> {}
        }
      }
    }

    private String token() {
      skip(false);
      int start = at;
      while (at < text.length()
          && text.charAt(at) > ' '
          && text.charAt(at) < 127
          && "()<>@,;:\\\"/[]?={}".indexOf(text.charAt(at)) < 0) {
        at++;
      }
      return text.substring(start, at);
    }

    private String quoted() {
      var out = new StringBuilder();
      for (at++; at < text.length() && !see('"'); at++) {
        if (see('\\') && at + 1 < text.length()) {
          at++;
        }
        out.append(text.charAt(at));
      }
      if (see('"')) { // else the line ends within the quotes
        at++;
      }
      return out.toString();
    }

    /** Reads {@code name=value} pairs up to the next scheme, or the first thing that is neither. */
    private Map<String, String> parameters() {
      var found = new HashMap<String, String>();
      skipToken68();
      while (true) {
        skip(true);
        int start = at;
        String name = token().toLowerCase(Locale.ROOT);
        skip(false);
        if (name.isEmpty() || !see('=')) {
          at = start;
          return found;
        }
        at++;
        skip(false);
        found.put(name, see('"') ? quoted() : token());
      }
    }

    /** Credentials-like text that some schemes have in place of parameters. */
    private void skipToken68() {
      skip(false);
      int end = at;
      while (end < text.length()
          && (Character.isLetterOrDigit(text.charAt(end))
              || "-._~+/".indexOf(text.charAt(end)) >= 0)) {
        end++;
      }
      while (end < text.length() && text.charAt(end) == '=') {
        end++;
      }
      int after = end;
      while (after < text.length() && Character.isWhitespace(text.charAt(after))) {
        after++;
      }
      if (after == text.length() || text.charAt(after) == ',') {
        at = end;
      }
    }
  }
}
