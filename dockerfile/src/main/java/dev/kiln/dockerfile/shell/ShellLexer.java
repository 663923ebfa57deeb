package dev.kiln.dockerfile.shell;

import dev.kiln.dockerfile.text.GoText;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.List;
import java.util.Optional;

/**
 * Resolves quotes, escapes and variables in a word. Immutable; each {@code keeping…} gives a lexer
 * that leaves one of them as written. Rules: features F-61, and BuildKit v0.22 {@code
 * frontend/dockerfile/shell}.
 *
 * @param escape escapes the character behind it
 * @param rawQuotes quotes stay in the result
 * @param rawEscapes escape characters stay in the result
 * @param plainQuotes quotes are ordinary characters (in heredocs)
 * @param rawUnset variables that are not set stay in the result
 * @param allowance bounds what variables stand for; absent where each word has its own
 */
public record ShellLexer(
    char escape,
    boolean rawQuotes,
    boolean rawEscapes,
    boolean plainQuotes,
    boolean rawUnset,
    Optional<Allowance> allowance) {

  /** Characters of a word that an error repeats. */
  private static final int LONGEST_SHOWN = 1024;

  public static ShellLexer of(char escape) {
    return new ShellLexer(escape, false, false, false, false, Optional.empty());
  }

  public ShellLexer within(Allowance shared) {
    return new ShellLexer(
        escape, rawQuotes, rawEscapes, plainQuotes, rawUnset, Optional.of(shared));
  }

  /** For the text of a here-document: quotes are ordinary characters, the escape is fixed. */
  public ShellLexer inHeredoc() {
    return new ShellLexer('\\', false, false, true, false, allowance);
  }

  public ShellLexer keepingQuotes() {
    return new ShellLexer(escape, true, rawEscapes, plainQuotes, rawUnset, allowance);
  }

  public ShellLexer keepingEscapes() {
    return new ShellLexer(escape, rawQuotes, true, plainQuotes, rawUnset, allowance);
  }

  public ShellLexer keepingUnset() {
    return new ShellLexer(escape, rawQuotes, rawEscapes, plainQuotes, true, allowance);
  }

  /**
   * @throws BuildException {@code INVALID} for unbalanced quotes, a malformed substitution or one
   *     that demands a value
   */
  public Expansion expand(String word, Environment environment) {
    if (isPlain(word)) {
      return new Expansion(word, List.of(word), java.util.Set.of(), java.util.Set.of());
    }
    try {
      return new Expander(this, word, environment).run();
    } catch (BuildException e) {
      throw new BuildException(
          Kind.INVALID,
          "failed to process " + GoText.quote(shown(word)) + ": " + e.getMessage(),
          e);
    }
  }

  /** The expanded text alone. */
  public String text(String word, Environment environment) {
    return expand(word, environment).text();
  }

  /** The expanded words alone. */
  public List<String> words(String word, Environment environment) {
    return expand(word, environment).words();
  }

  private static String shown(String word) {
    return word.length() <= LONGEST_SHOWN ? word : word.substring(0, LONGEST_SHOWN) + "...";
  }

  /** Nothing in it that could change: most words of most files. */
  private boolean isPlain(String word) {
    for (int i = 0; i < word.length(); i++) {
      char c = word.charAt(i);
      if (c == '$' || c == '\'' || c == '"' || c == '<' || c == escape || GoText.isSpace(c)) {
        return false;
      }
    }
    return !word.isEmpty();
  }
}
