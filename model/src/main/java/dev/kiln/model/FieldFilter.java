package dev.kiln.model;

import com.google.re2j.PatternSyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Chooses records by their fields, in containerd's filter language ({@code pkg/filters},
 * parser.go): selectors joined by commas, each a field path alone (it has a value) or with {@code
 * ==}, {@code !=} or {@code ~=} and a value; all must hold. Values and parts of paths may be
 * quoted. Expressions are Go's, and take time linear in the value. Immutable, any thread.
 */
public final class FieldFilter {
  /** Lets everything pass. */
  public static final FieldFilter ALL = new FieldFilter(List.of());

  private interface Selector {
    boolean holds(Function<List<String>, Optional<String>> fields);
  }

  private final List<Selector> selectors;

  private FieldFilter(List<Selector> selectors) {
    this.selectors = List.copyOf(selectors);
  }

  /**
   * @throws BuildException {@code INVALID}, naming the text and what is wrong with it
   */
  public static FieldFilter parse(String text) {
    return text.isBlank() ? ALL : new FieldFilter(new Parser(text).selectors());
  }

  /** Whether any of the filters lets the record pass; none at all lets every record pass. */
  public static boolean any(
      List<FieldFilter> filters, Function<List<String>, Optional<String>> fields) {
    return filters.isEmpty() || filters.stream().anyMatch(filter -> filter.matches(fields));
  }

  /**
   * @param fields the value at a path of the record; absent where it has none
   */
  public boolean matches(Function<List<String>, Optional<String>> fields) {
    return selectors.stream().allMatch(selector -> selector.holds(fields));
  }

  private static final class Parser {
    private final String text;
    private int at;

    Parser(String text) {
      this.text = text;
    }

    List<Selector> selectors() {
      var all = new ArrayList<Selector>();
      do {
        all.add(selector());
        space();
      } while (take(","));
      if (at < text.length()) {
        throw wrong("expected a comma");
      }
      return all;
    }

    private Selector selector() {
      var path = new ArrayList<String>();
      do {
        path.add(name());
      } while (take("."));
      space();
      if (take("==")) {
        String value = value();
        return fields -> fields.apply(path).filter(value::equals).isPresent();
      }
      if (take("!=")) {
        String value = value();
        return fields -> fields.apply(path).filter(value::equals).isEmpty();
      }
      if (take("~=")) {
        String value = value();
        try {
          var pattern = GivenExpression.compile(value);
          return fields -> fields.apply(path).filter(v -> pattern.matcher(v).find()).isPresent();
        } catch (PatternSyntaxException e) {
          throw wrong("bad expression '" + value + "': " + e.getDescription());
        }
      }
      return fields -> fields.apply(path).isPresent();
    }

    private String name() {
      space();
      if (at < text.length() && text.charAt(at) == '"') {
        return quoted();
      }
      int start = at;
      while (at < text.length()
          && (Character.isLetterOrDigit(text.charAt(at)) || "_-".indexOf(text.charAt(at)) >= 0)) {
        at++;
      }
      if (at == start) {
        throw wrong("expected a field");
      }
      return text.substring(start, at);
    }

    private String value() {
      space();
      if (at < text.length()
          && (text.charAt(at) == '"' || text.charAt(at) == '/' || text.charAt(at) == '|')) {
        return quoted();
      }
      int start = at;
      while (at < text.length()
          && text.charAt(at) != ','
          && !Character.isWhitespace(text.charAt(at))) {
        at++;
      }
      if (at == start) {
        throw wrong("expected a value");
      }
      return text.substring(start, at);
    }

    private String quoted() {
      char quote = text.charAt(at++);
      var out = new StringBuilder();
      while (at < text.length() && text.charAt(at) != quote) {
        if (text.charAt(at) == '\\'
            && at + 1 < text.length()
            && (quote == '"' || text.charAt(at + 1) == quote)) {
          at++;
        }
        out.append(text.charAt(at++));
      }
      if (at == text.length()) {
        throw wrong("a quote is not closed");
      }
      at++;
      return out.toString();
    }

    private void space() {
      while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
        at++;
      }
    }

    private boolean take(String token) {
      if (text.startsWith(token, at)) {
        at += token.length();
        return true;
      }
      return false;
    }

    private BuildException wrong(String what) {
      return new BuildException(
          Kind.INVALID, "invalid filter '" + text + "': " + what + " at character " + (at + 1));
    }
  }
}
