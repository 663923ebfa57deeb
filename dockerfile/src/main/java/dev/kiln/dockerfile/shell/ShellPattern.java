package dev.kiln.dockerfile.shell;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayList;

/**
 * A shell pattern without bracket expressions: {@code *} any text, {@code ?} one character, {@code
 * \} before {@code *}, {@code ?} and {@code \} takes them as they are. Matched in linear time.
 * Immutable.
 */
record ShellPattern(String text) {
  String withoutPrefix(String value, boolean longest) {
    Matcher m = compile(text, longest, true).matcher(value);
    return m.find() ? value.substring(m.end()) : value;
  }

  String withoutSuffix(String value, boolean longest) {
    // Read backwards, the shortest suffix is a shortest prefix.
    String reversed = new StringBuilder(value).reverse().toString();
    Matcher m = compile(reversed(), longest, true).matcher(reversed);
    return m.find() ? new StringBuilder(reversed.substring(m.end())).reverse().toString() : value;
  }

  /**
   * @throws BuildException {@code INVALID} where {@code allowance} has no room for the result
   */
  String replace(String value, String replacement, boolean all, Allowance allowance) {
    Pattern pattern = compile(text, true, false);
    Matcher m = pattern.matcher(value);
    String literal = Matcher.quoteReplacement(replacement);
    var out = new StringBuilder();
    for (boolean more = true; more && m.find(); more = all) {
      allowance.take(replacement.length());
      m.appendReplacement(out, literal);
    }
    return m.appendTail(out).toString();
  }

  /** The pattern read backwards, each escape still in front of what it escapes. */
  private String reversed() {
    var parts = new ArrayList<String>();
    int at = 0;
    while (at < text.length()) {
      boolean escape = text.charAt(at) == '\\' && at + 1 < text.length();
      int c = text.codePointAt(escape ? at + 1 : at);
      int width = Character.charCount(c) + (escape ? 1 : 0);
      parts.add(text.substring(at, at + width));
      at += width;
    }
    return String.join("", parts.reversed());
  }

  private Pattern compile(String pattern, boolean greedy, boolean anchored) {
    var out = new StringBuilder(anchored ? "^" : "");
    for (int at = 0; at < pattern.length(); at++) {
      char c = pattern.charAt(at);
      switch (c) {
        case '*' -> out.append(greedy ? ".*" : ".*?");
        case '?' -> out.append('.');
        case '\\' -> {
          char escaped = at + 1 < pattern.length() ? pattern.charAt(at + 1) : '\ufffd';
          if (escaped == '}' || escaped == '/') {
            continue; // the escape was for the substitution's own syntax
          }
          if (escaped != '*' && escaped != '?' && escaped != '\\') {
            throw invalid("invalid escape '\\" + escaped + "'");
          }
          out.append('\\').append(escaped);
          at++;
        }
        case '[', ']', '{', '}', '.', '+', '(', ')', '|', '^', '$' -> out.append('\\').append(c);
        default -> out.append(c);
      }
    }
    try {
      return Pattern.compile(out.toString());
    } catch (PatternSyntaxException e) {
      throw invalid(e.getDescription());
    }
  }

  private BuildException invalid(String why) {
    return new BuildException(
        Kind.INVALID, "invalid pattern (" + text + ") in substitution: " + why);
  }
}
