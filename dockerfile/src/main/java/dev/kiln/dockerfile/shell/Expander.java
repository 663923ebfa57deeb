package dev.kiln.dockerfile.shell;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/** The work of one expansion: a recursive descent over the word. Not for several threads. */
final class Expander {
  private static final int END = -1;

  /** How many substitutions may stand in each other; the stack would hold some thousands. */
  private static final int DEEPEST = 200;

  private final ShellLexer lexer;
  private final String source;
  private final Environment environment;
  private final Allowance allowance;
  private final Set<String> matched = new LinkedHashSet<>();
  private final Set<String> unmatched = new LinkedHashSet<>();
  private int at;
  private int depth;
  private boolean rawEscapes;

  Expander(ShellLexer lexer, String source, Environment environment) {
    this.lexer = lexer;
    this.source = source;
    this.environment = environment;
    this.allowance = lexer.allowance().orElseGet(Allowance::ofVariables);
    this.rawEscapes = lexer.rawEscapes();
  }

  Expansion run() {
    WordSink out = upTo(END, rawEscapes);
    return new Expansion(out.text(), out.words(), matched, unmatched);
  }

  private int peek() {
    return at < source.length() ? source.codePointAt(at) : END;
  }

  private int next() {
    int c = peek();
    if (c != END) {
      at += Character.charCount(c);
    }
    return c;
  }

  /** Expands up to {@code stop}, which is consumed, or to the end of the word. */
  private WordSink upTo(int stop, boolean keepEscapes) {
    boolean outer = rawEscapes;
    rawEscapes = keepEscapes;
    try {
      var out = new WordSink();
      while (true) {
        int c = peek();
        if (c == END) {
          if (stop == END) {
            return out;
          }
          throw invalid(
              "unexpected end of statement while looking for matching " + Character.toString(stop));
        }
        if (c == stop) {
          next();
          return out;
        }
        step(c, out);
      }
    } finally {
      rawEscapes = outer;
    }
  }

  private void step(int c, WordSink out) {
    if (c == '$') {
      out.addSplit(dollar());
    } else if (c == '<') {
      out.addWhole(angle());
    } else if (c == '\'' && !lexer.plainQuotes()) {
      out.addWhole(singleQuoted());
    } else if (c == '"' && !lexer.plainQuotes()) {
      out.addWhole(doubleQuoted());
    } else if (c == lexer.escape()) {
      next();
      if (rawEscapes) {
        out.addWhole(c);
      }
      int escaped = next();
      if (escaped != END) {
        out.addWhole(escaped);
      }
    } else {
      out.addSplit(next());
    }
  }

  private String singleQuoted() {
    int start = at;
    next();
    int end = source.indexOf('\'', at);
    if (end < 0) {
      at = source.length();
      throw invalid("unexpected end of statement while looking for matching single-quote");
    }
    at = end + 1;
    return lexer.rawQuotes() ? source.substring(start, at) : source.substring(start + 1, end);
  }

  private String doubleQuoted() {
    var out = new StringBuilder();
    next();
    if (lexer.rawQuotes()) {
      out.append('"');
    }
    while (true) {
      int c = peek();
      if (c == END) {
        throw invalid("unexpected end of statement while looking for matching double-quote");
      }
      if (c == '"') {
        next();
        return (lexer.rawQuotes() ? out.append('"') : out).toString();
      }
      if (c == '$') {
        out.append(dollar());
        continue;
      }
      next();
      if (c == lexer.escape()) {
        if (rawEscapes) {
          out.appendCodePoint(c);
        }
        int escaped = peek();
        if (escaped == END) {
          continue;
        }
        if (escaped == '"' || escaped == '$' || escaped == lexer.escape()) {
          c = next(); // an escape before anything else stands for itself
        }
      }
      out.appendCodePoint(c);
    }
  }

  /** {@code <<} keeps the blanks behind it in its word, so that {@code << EOF} is one word. */
  private String angle() {
    int start = at;
    next();
    if (peek() != '<') {
      return "<";
    }
    next();
    while (peek() == ' ' || peek() == '\t' || peek() == '\r') {
      next();
    }
    return source.substring(start, at);
  }

  private String dollar() {
    String value = substituted();
    allowance.take(value.length());
    return value;
  }

  private String substituted() {
    next();
    if (peek() != '{') {
      String name = name();
      if (name.isEmpty()) {
        return "$";
      }
      Optional<String> value = lookup(name);
      return value.isEmpty() && lexer.rawUnset() ? "$" + name : value.orElse("");
    }
    next();
    int first = peek();
    if (first == END) {
      throw invalid("syntax error: missing '}'");
    }
    if (first == '{' || first == '}' || first == ':') {
      throw invalid("syntax error: bad substitution");
    }
    String name = name();
    int operator = next();
    return switch (operator) {
      case '}' -> {
        Optional<String> value = lookup(name);
        yield value.isEmpty() && lexer.rawUnset() ? "${" + name + "}" : value.orElse("");
      }
      case ':' -> modified(name, next(), true);
      case '+', '-', '?', '#', '%' -> modified(name, operator, false);
      case '/' -> replaced(name);
      default -> throw unsupported(operator == END ? "\ufffd" : Character.toString(operator));
    };
  }

  /** {@code ${name-word}} and its kin; {@code colon}: an empty value counts as unset. */
  private String modified(String name, int operator, boolean colon) {
    String shown = (colon ? ":" : "") + (operator == END ? "\ufffd" : Character.toString(operator));
    boolean cuts = operator == '#' || operator == '%';
    if (colon && cuts) {
      throw unsupported(shown);
    }
    String word = operand('}', cuts, "syntax error: missing '}'");
    Optional<String> found = lookup(name);
    if (found.isEmpty() && lexer.rawUnset()) {
      return "${" + name + shown + word + "}";
    }
    String value = found.orElse("");
    boolean absent = found.isEmpty() || colon && value.isEmpty();
    return switch (operator) {
      case '-' -> absent ? word : value;
      case '+' -> absent ? "" : word;
      case '?' -> {
        if (absent) {
          String reason =
              found.isEmpty() ? "is not allowed to be unset" : "is not allowed to be empty";
          throw invalid(name + ": " + (word.isEmpty() ? reason : word));
        }
        yield value;
      }
      case '#', '%' -> {
        boolean longest = !word.isEmpty() && word.codePointAt(0) == operator;
        var pattern = new ShellPattern(longest ? word.substring(1) : word);
        yield operator == '#'
            ? pattern.withoutPrefix(value, longest)
            : pattern.withoutSuffix(value, longest);
      }
      default -> throw unsupported(shown);
    };
  }

  private String replaced(String name) {
    boolean all = peek() == '/';
    if (all) {
      next();
    }
    String pattern = operand('/', true, "syntax error: missing '/' in ${}");
    String replacement = operand('}', true, "syntax error: missing '}'");
    Optional<String> value = lookup(name);
    if (value.isEmpty() && lexer.rawUnset()) {
      return "${" + name + "/" + pattern + "/" + replacement + "}";
    }
    return new ShellPattern(pattern).replace(value.orElse(""), replacement, all, allowance);
  }

  private String operand(int stop, boolean keepEscapes, String atEnd) {
    if (depth == DEEPEST) {
      throw invalid("more than " + DEEPEST + " substitutions in each other");
    }
    depth++;
    try {
      return upTo(stop, keepEscapes).text();
    } catch (BuildException e) {
      if (peek() == END) {
        throw new BuildException(Kind.INVALID, atEnd, e);
      }
      throw e;
    } finally {
      depth--;
    }
  }

  /** A variable's name: letters, digits and underscores, a number, or one special character. */
  private String name() {
    int start = at;
    int first = peek();
    if (first == END) {
      return "";
    }
    if (Character.isDigit(first)) {
      while (peek() != END && Character.isDigit(peek())) {
        next();
      }
    } else if ("@*#?-$!".indexOf(first) >= 0) {
      next();
    } else {
      while (peek() != END && (Character.isLetterOrDigit(peek()) || peek() == '_')) {
        next();
      }
    }
    return source.substring(start, at);
  }

  private Optional<String> lookup(String name) {
    Optional<String> value = environment.get(name);
    (value.isPresent() ? matched : unmatched).add(name);
    return value;
  }

  private static BuildException unsupported(String modifier) {
    return invalid("unsupported modifier (" + modifier + ") in substitution");
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
