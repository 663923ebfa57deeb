package dev.kiln.dockerfile.syntax;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.kiln.dockerfile.shell.Environment;
import dev.kiln.dockerfile.shell.ShellLexer;
import java.util.List;
import java.util.Optional;

/**
 * A here-document: {@code <<NAME}, {@code <<-NAME} (leading tabs are cut) or {@code <<"NAME"} (no
 * variables in it), and the lines up to {@code NAME}. Immutable.
 *
 * @param expand whether variables in the content are expanded
 * @param chomp whether leading tabs are cut from the content
 */
public record Heredoc(String name, boolean expand, boolean chomp, String content) {
  private static final Pattern WORD = Pattern.compile("\\d*<<(-?)[\\t\\n\\f\\r ]*([^<]*)");
  private static final Pattern LEADING_TABS = Pattern.compile("(?m)^\\t+");
  private static final ShellLexer PLAIN = ShellLexer.of('\\').keepingUnset();
  private static final ShellLexer QUOTED = PLAIN.keepingQuotes();
  private static final ShellLexer RAW = QUOTED.keepingEscapes();

  /** The content as the instruction sees it: without leading tabs where they are to be cut. */
  public String text() {
    return chomp ? LEADING_TABS.matcher(content).replaceAll("") : content;
  }

  Heredoc withContent(String lines) {
    return new Heredoc(name, expand, chomp, lines);
  }

  /** The heredoc that {@code word} alone announces, still without content; empty if it is none. */
  public static Optional<Heredoc> parse(String word) {
    Matcher m = WORD.matcher(word);
    if (!m.matches() || m.group(2).isEmpty()) {
      return Optional.empty();
    }
    String rest = m.group(2);
    List<String> words = PLAIN.words(rest, Environment.EMPTY);
    if (words.size() != 1) {
      return Optional.empty();
    }
    List<String> raw = QUOTED.words(rest, Environment.EMPTY);
    String name = words.getFirst();
    // A quote that the plain reading lost was there to forbid expansion.
    boolean expand = raw.size() == 1 && quotes(name) == quotes(raw.getFirst());
    return Optional.of(new Heredoc(name, expand, m.group(1).equals("-"), ""));
  }

  /** As {@link #parse}, but a malformed word counts as none. */
  public static Optional<Heredoc> parseLenient(String word) {
    try {
      return parse(word);
    } catch (RuntimeException e) { // an unclosed quote or bad substitution: then it is a path
      return Optional.empty();
    }
  }

  /** The heredocs that a line announces, in order. */
  static List<Heredoc> announcedIn(String line) {
    List<String> words;
    try {
      words = RAW.words(line, Environment.EMPTY);
    } catch (RuntimeException e) { // unbalanced quotes belong to the command's own shell
      return List.of();
    }
    return words.stream().map(Heredoc::parse).flatMap(Optional::stream).toList();
  }

  private static long quotes(String text) {
    return text.chars().filter(c -> c == '\'' || c == '"').count();
  }
}
