package dev.kiln.sources;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.kiln.model.BuildException;
import dev.kiln.model.GivenExpression;
import dev.kiln.model.Kind;

/**
 * A pattern in which each {@code *} stands for any text and captures it. Both this form and RE2
 * texts become one expression; matching is linear in the text. Pure.
 */
final class Wildcard {
  private Wildcard() {}

  /**
   * @throws BuildException {@code INVALID} for {@code **} and for more than {@link GivenExpression}
   *     takes
   */
  static GivenExpression compile(String wildcard) {
    if (wildcard.contains("**")) {
      throw new BuildException(
          Kind.INVALID,
          "failed to translate wildcard \"" + wildcard + "\" to regexp: invalid wildcard: \"**\"");
    }
    var regex = new StringBuilder("^");
    String[] literals = wildcard.split("\\*", -1);
    for (int i = 0; i < literals.length; i++) {
      regex.append(i == 0 ? "" : "(.*)").append(Pattern.quote(literals[i]));
    }
    try {
      return GivenExpression.compile(regex.append('$').toString());
    } catch (PatternSyntaxException e) {
      throw new BuildException(
          Kind.INVALID, "failed to translate wildcard to regexp: " + e.getDescription(), e);
    }
  }
}
