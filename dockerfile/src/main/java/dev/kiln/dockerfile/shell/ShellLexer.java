package dev.kiln.dockerfile.shell;

import dev.kiln.dockerfile.text.GoText;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.List;

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
 */
public record ShellLexer(
    char escape, boolean rawQuotes, boolean rawEscapes, boolean plainQuotes, boolean rawUnset) {

  public static ShellLexer of(char escape) {
    return new ShellLexer(escape, false, false, false, false);
  }

  public ShellLexer keepingQuotes() {
    return new ShellLexer(escape, true, rawEscapes, plainQuotes, rawUnset);
  }

  public ShellLexer keepingEscapes() {
    return new ShellLexer(escape, rawQuotes, true, plainQuotes, rawUnset);
  }

  public ShellLexer ignoringQuotes() {
    return new ShellLexer(escape, rawQuotes, rawEscapes, true, rawUnset);
  }

  public ShellLexer keepingUnset() {
    return new ShellLexer(escape, rawQuotes, rawEscapes, plainQuotes, true);
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
          Kind.INVALID, "failed to process " + GoText.quote(word) + ": " + e.getMessage(), e);
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
