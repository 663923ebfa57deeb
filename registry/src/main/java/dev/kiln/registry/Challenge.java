package dev.kiln.registry;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a 401 asks for: one {@code WWW-Authenticate} header, parsed. Immutable.
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
      var in = new Scanner(header);
      String scheme = in.token().toLowerCase(Locale.ROOT);
      switch (scheme) {
        case "bearer" -> all.add(new Challenge(Scheme.BEARER, in.parameters()));
        case "basic" -> all.add(new Challenge(Scheme.BASIC, in.parameters()));
        default -> {}
      }
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

    String token() {
      while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
        at++;
      }
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
      at++;
      return out.toString();
    }

    /** Reads {@code name=value} pairs up to the first thing that is none. */
    Map<String, String> parameters() {
      var found = new HashMap<String, String>();
      while (true) {
        String name = token().toLowerCase(Locale.ROOT);
        if (name.isEmpty() || !see('=')) {
          return found;
        }
        at++;
        found.put(name, see('"') ? quoted() : token());
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
          at++;
        }
        if (!see(',')) {
          return found;
        }
        at++;
      }
    }
  }
}
