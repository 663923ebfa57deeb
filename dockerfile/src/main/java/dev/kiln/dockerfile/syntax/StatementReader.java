package dev.kiln.dockerfile.syntax;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** One joined instruction line to its keyword, flags and arguments. Immutable. */
final class StatementReader {

  /** A trigger of a trigger is refused later; below that nobody looks. */
  private static final int DEEPEST_TRIGGER = 2;

  private final char escape;

  StatementReader(char escape) {
    this.escape = escape;
  }

  Statement read(String line, List<String> comments, int startLine, int endLine) {
    return read(line, comments, startLine, endLine, 0);
  }

  private Statement read(
      String line, List<String> comments, int startLine, int endLine, int triggers) {
    String text = GoText.trim(line);
    int end = blank(text, 0);
    String keyword = text.substring(0, end);
    var flags = new ArrayList<String>();
    String rest = end < text.length() ? flags(text.substring(end), flags) : "";
    Arguments arguments = arguments(keyword.toLowerCase(Locale.ROOT), GoText.trim(rest), triggers);
    return new Statement(keyword, flags, arguments, line, List.of(), comments, startLine, endLine);
  }

  private Arguments arguments(String keyword, String rest, int triggers) {
    return switch (keyword) {
      case "add", "copy", "volume" -> exec(rest).orElseGet(() -> words(rest));
      case "cmd", "entrypoint", "run", "shell" -> exec(rest).orElseGet(() -> whole(rest));
      case "arg" -> new Arguments.Words(splitter().split(rest));
      case "env" -> pairs("ENV", rest);
      case "label" -> pairs("LABEL", rest);
      case "expose", "from" -> words(rest);
      case "healthcheck" -> typed(rest);
      case "maintainer", "stopsignal", "user", "workdir" -> whole(rest);
      case "onbuild" ->
          rest.isEmpty()
              ? new Arguments.Words(List.of())
              : triggers == DEEPEST_TRIGGER
                  ? new Arguments.Unread()
                  : new Arguments.Trigger(read(rest, List.of(), 0, 0, triggers + 1));
      default -> new Arguments.Unread();
    };
  }

  private static Arguments whole(String rest) {
    return new Arguments.Words(rest.isEmpty() ? List.of() : List.of(rest));
  }

  /** Words between blanks; quotes do not bind. */
  private static Arguments words(String rest) {
    var words = new ArrayList<String>();
    int at = 0;
    while (!rest.isEmpty() && at <= rest.length()) {
      int end = blank(rest, at);
      words.add(rest.substring(at, end));
      if (end == rest.length()) {
        break;
      }
      at = solid(rest, end);
    }
    return new Arguments.Words(words);
  }

  private Arguments typed(String rest) {
    int end = 0;
    while (end < rest.length() && !GoText.isSpace(rest.charAt(end))) {
      end++;
    }
    if (end == 0) {
      return new Arguments.Words(List.of());
    }
    String command = GoText.trimLeft(rest.substring(end));
    return new Arguments.Typed(
        rest.substring(0, end), exec(command).orElseGet(() -> whole(command)));
  }

  /** A JSON array of strings; empty if it is not JSON. An array with anything else is an error. */
  private static Optional<Arguments> exec(String rest) {
    if (!rest.startsWith("[")) {
      return Optional.empty();
    }
    Optional<JsonNode> array = Json.find(rest);
    if (array.isEmpty()) {
      return Optional.empty();
    }
    var words = new ArrayList<String>();
    for (JsonNode item : array.get()) {
      if (!item.isTextual()) {
        throw new BuildException(
            Kind.INVALID, "when using JSON array syntax, arrays must be comprised of strings only");
      }
      words.add(item.textValue());
    }
    return Optional.of(new Arguments.Exec(words));
  }

  private Arguments pairs(String keyword, String rest) {
    List<String> words = splitter().split(rest);
    if (words.isEmpty()) {
      return new Arguments.Pairs(List.of());
    }
    if (!words.getFirst().contains("=")) { // the first of space and '=' tells old from new form
      int end = blank(rest, 0);
      if (end == rest.length()) {
        throw new BuildException(Kind.INVALID, keyword + " must have two arguments");
      }
      return new Arguments.Pairs(
          List.of(
              new Arguments.Pair(rest.substring(0, end), rest.substring(solid(rest, end)), true)));
    }
    var pairs = new ArrayList<Arguments.Pair>();
    for (String word : words) {
      int equals = word.indexOf('=');
      if (equals < 0) {
        throw new BuildException(
            Kind.INVALID,
            "Syntax error - can't find = in "
                + GoText.quote(word)
                + ". Must be of the form: name=value");
      }
      pairs.add(new Arguments.Pair(word.substring(0, equals), word.substring(equals + 1), false));
    }
    return new Arguments.Pairs(pairs);
  }

  private QuotedWords splitter() {
    return new QuotedWords(escape);
  }

  /** Takes the leading {@code --flags} off; returns the rest. Quotes and escapes are resolved. */
  private String flags(String line, List<String> flags) {
    int at = 0;
    while (true) {
      while (at < line.length() && GoText.isSpace(line.charAt(at))) {
        at++;
      }
      if (!line.startsWith("--", at)) {
        return line.substring(at);
      }
      var word = new StringBuilder();
      boolean quotedEmpty = false;
      char quote = 0;
      for (; at < line.length(); at++) {
        char c = line.charAt(at);
        if (quote == 0 && GoText.isSpace(c)) {
          break;
        }
        if (quote == 0 && (c == '\'' || c == '"')) {
          quote = c;
          quotedEmpty = true;
        } else if (c == quote && quote != 0) {
          quote = 0;
        } else if (c == escape) {
          at++;
          if (at < line.length()) { // an escape at the very end is dropped
            word.append(line.charAt(at));
          }
        } else {
          word.append(c);
        }
      }
      boolean atEnd = at >= line.length();
      if (word.toString().equals("--")) {
        return atEnd ? "" : line.substring(at);
      }
      if (!word.isEmpty() || quotedEmpty) {
        flags.add(word.toString());
      }
      if (atEnd) {
        return "";
      }
    }
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == 0x0b;
  }

  private static int blank(String text, int from) {
    int at = from;
    while (at < text.length() && !isBlank(text.charAt(at))) {
      at++;
    }
    return at;
  }

  private static int solid(String text, int from) {
    int at = from;
    while (at < text.length() && isBlank(text.charAt(at))) {
      at++;
    }
    return at;
  }
}
