package dev.kiln.model;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;

/**
 * A regular expression that a user gives. RE2/J (1.8) compiles by recursion, repeats what is
 * counted by copying it, and keeps the groups of each of its steps: so depth, size and groups have
 * bounds, and the work of one match has. Immutable, any thread.
 *
 * @param steps not fewer than the expression has
 */
public record GivenExpression(Pattern pattern, long steps) {
  private static final int MOST_CHARACTERS = 100_000;
  private static final int MOST_GROUPS = 1_000;
  private static final int MOST_STEPS = 200_000;

  /** Of steps by groups, each four bytes, several times. */
  private static final long MOST_PLACES = 10_000_000;

  private static final long MOST_WORK = 100_000_000;

  /**
   * @throws PatternSyntaxException for what is no expression of RE2, and beyond the bounds
   */
  public static GivenExpression compile(String text) {
    if (text.length() > MOST_CHARACTERS) {
      throw refused(text, "more than " + MOST_CHARACTERS + " characters");
    }
    long groups = groups(text);
    if (groups > MOST_GROUPS) {
      throw refused(text, "more than " + MOST_GROUPS + " groups");
    }
    long steps = steps(text);
    if (steps > MOST_STEPS) {
      throw refused(text, "more than " + MOST_STEPS + " steps with what it repeats");
    }
    if (steps * groups > MOST_PLACES) {
      throw refused(text, "more than " + MOST_PLACES + " steps by groups");
    }
    return new GivenExpression(Pattern.compile(text), steps);
  }

  private static PatternSyntaxException refused(String text, String why) {
    return new PatternSyntaxException(why, text.substring(0, Math.min(100, text.length())));
  }

  /**
   * To match {@code text} by.
   *
   * @throws BuildException {@code INVALID} where that could take long
   */
  public Matcher matcher(String text) {
    if (steps * Math.max(1, text.length()) > MOST_WORK) {
      throw new BuildException(
          Kind.INVALID,
          "an expression of "
              + steps
              + " steps is not matched against a text of "
              + text.length()
              + " characters");
    }
    return pattern.matcher(text);
  }

  /** Parentheses that open, but for those behind a backslash. */
  private static long groups(String text) {
    long groups = 0;
    for (int at = 0; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c == '\\') {
        at++;
      } else if (c == '(') {
        groups++;
      }
    }
    return groups;
  }

  /** Counts of single characters add up; those of groups may be within each other. */
  private static long steps(String text) {
    long sum = text.length() + 1L;
    long product = 1;
    for (int at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at + 1)) {
      long count = count(text, at + 1);
      boolean single = at == 0 || ")}".indexOf(text.charAt(at - 1)) < 0;
      sum += single ? count : 0;
      product = single ? product : Math.min(product * Math.max(1, count), 1L + MOST_STEPS);
    }
    return sum * product;
  }

  /** The larger of {@code n,m}; what is no count is refused by RE2, or stands for itself. */
  private static long count(String text, int from) {
    long most = 0;
    long number = 0;
    for (int at = from; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c >= '0' && c <= '9') {
        number = Math.min(number * 10 + c - '0', MOST_STEPS);
        most = Math.max(most, number);
      } else if (c == ',') {
        number = 0;
      } else {
        break;
      }
    }
    return most;
  }
}
