package dev.kiln.dockerfile.syntax;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.model.SourceRange;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The parser directives in a file's leading comments: {@code # syntax=}, {@code # escape=} and
 * {@code # check=}, each at most once; any other line ends them. One object reads one file from its
 * top; not for use by several threads.
 */
public final class Directives {
  private static final Set<String> KNOWN = Set.of("syntax", "escape", "check");
  private static final String FORM =
      "[\\t\\n\\f\\r ]*([a-zA-Z][a-zA-Z0-9]*)[\\t\\n\\f\\r ]*=[\\t\\n\\f\\r ]*(.+?)[\\t\\n\\f\\r ]*";
  private static final Pattern HASH = Pattern.compile("#" + FORM);
  private static final Pattern SLASHES = Pattern.compile("//" + FORM);

  private final Pattern form;
  private final Set<String> seen = new HashSet<>();
  private boolean ended;

  Directives() {
    this(HASH);
  }

  private Directives(Pattern form) {
    this.form = form;
  }

  /** A directive's name in lower case and its value. */
  record Directive(String name, String value) {}

  /**
   * A directive found in a file.
   *
   * @param reference the value up to its first space
   */
  public record Found(String reference, String value, List<SourceRange> place) {}

  /**
   * The directive on the file's next line, or empty; after the first line without one, always
   * empty.
   *
   * @throws BuildException {@code INVALID} for one that came before
   */
  Optional<Directive> next(String line) {
    if (ended) {
      return Optional.empty();
    }
    Matcher m = form.matcher(line);
    String name = m.matches() ? m.group(1).toLowerCase(Locale.ROOT) : "";
    if (!KNOWN.contains(name)) {
      ended = true;
      return Optional.empty();
    }
    if (!seen.add(name)) {
      throw new BuildException(Kind.INVALID, "only one " + name + " parser directive can be used");
    }
    return Optional.of(new Directive(name, m.group(2)));
  }

  /**
   * The frontend that a file asks for, whatever its language: a {@code # syntax=} or {@code //
   * syntax=} comment or a JSON object's {@code "syntax"}, also below a {@code #!} line.
   */
  public static Optional<Found> syntax(String text) {
    String body = withoutMark(text);
    boolean shebang = body.startsWith("#!");
    int firstLine = 1;
    if (shebang) {
      int newline = body.indexOf('\n');
      body = newline < 0 ? "" : body.substring(newline + 1);
      firstLine = 2;
    }
    Optional<Found> inComment = find("syntax", body, firstLine, HASH);
    if (inComment.isEmpty()) {
      inComment = find("syntax", body, firstLine, SLASHES);
    }
    return inComment.isPresent() ? inComment : inJson(body, firstLine);
  }

  /** The value of {@code # check=}. */
  public static Optional<String> check(String text) {
    String body = withoutMark(text);
    if (body.startsWith("#!")) {
      int newline = body.indexOf('\n');
      body = newline < 0 ? "" : body.substring(newline + 1);
    }
    return find("check", body, 1, HASH).map(Found::value);
  }

  private static Optional<Found> find(String name, String body, int firstLine, Pattern form) {
    var directives = new Directives(form);
    int line = firstLine;
    int at = 0;
    while (at < body.length()) {
      int newline = body.indexOf('\n', at);
      int end = newline < 0 ? body.length() : newline;
      int textEnd = end > at && body.charAt(end - 1) == '\r' ? end - 1 : end;
      Optional<Directive> directive;
      try {
        directive = directives.next(body.substring(at, textEnd));
      } catch (BuildException e) { // the parser reports it; here it only ends the search
        return Optional.empty();
      }
      if (directive.isEmpty()) {
        return Optional.empty();
      }
      if (directive.get().name().equals(name)) {
        String value = directive.get().value();
        int space = value.indexOf(' ');
        return Optional.of(
            new Found(
                space < 0 ? value : value.substring(0, space), value, Statement.lines(line, line)));
      }
      line++;
      at = end + 1;
    }
    return Optional.empty();
  }

  private static Optional<Found> inJson(String body, int line) {
    if (!body.stripLeading().startsWith("{")) {
      return Optional.empty();
    }
    return Json.find(body)
        .map(json -> json.path("syntax"))
        .filter(JsonNode::isTextual)
        .map(JsonNode::textValue)
        .map(value -> new Found(value, value, Statement.lines(line, line)));
  }

  /** Without a byte order mark. */
  static String withoutMark(String text) {
    return text.startsWith("\ufeff") ? text.substring(1) : text;
  }
}
