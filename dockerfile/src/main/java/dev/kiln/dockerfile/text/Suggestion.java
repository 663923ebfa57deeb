package dev.kiln.dockerfile.text;

import dev.kiln.model.BuildException;
import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/**
 * The word that a user most likely meant: the nearest of the possible ones, at most two edits away.
 * Pure.
 */
public final class Suggestion {
  private static final int TOO_FAR = 3;

  private Suggestion() {}

  /**
   * The nearest of {@code options}, in the letter case of {@code word} when case is ignored. Empty
   * if none is near, or if {@code word} is one of them (then the word was not the fault).
   */
  public static Optional<String> nearest(
      String word, Collection<String> options, boolean caseSensitive) {
    String wanted = caseSensitive ? word : word.toLowerCase(Locale.ROOT);
    Optional<String> best = Optional.empty();
    int bestDistance = TOO_FAR;
    for (String option : options) {
      String candidate = caseSensitive ? option : option.toLowerCase(Locale.ROOT);
      if (candidate.equals(wanted)) {
        return Optional.empty();
      }
      if (candidate.isEmpty()) {
        continue;
      }
      if (Math.abs(candidate.length() - wanted.length()) > bestDistance) {
        continue;
      }
      int distance = distance(wanted, candidate);
      // Of two as near, the one of the same letters: swapping two is the commonest slip.
      if (distance < bestDistance || distance == bestDistance && sameLetters(wanted, candidate)) {
        bestDistance = distance;
        best = Optional.of(caseSensitive ? option : inCaseOf(word, candidate));
      }
    }
    return best;
  }

  /** {@code failure} with {@code (did you mean X?)} added when something is near. */
  public static BuildException explain(
      BuildException failure, String word, Collection<String> options, boolean caseSensitive) {
    return nearest(word, options, caseSensitive)
        .map(near ->
            new BuildException(
                failure.kind(),
                failure.getMessage() + " (did you mean " + near + "?)",
                failure.details(),
                failure))
        .orElse(failure);
  }

  private static String inCaseOf(String original, String word) {
    return original.equals(original.toLowerCase(Locale.ROOT))
        ? word.toLowerCase(Locale.ROOT)
        : original.equals(original.toUpperCase(Locale.ROOT)) ? word.toUpperCase(Locale.ROOT) : word;
  }

  private static boolean sameLetters(String a, String b) {
    return Arrays.equals(a.chars().sorted().toArray(), b.chars().sorted().toArray());
  }

  /** Levenshtein's distance, in one row. */
  static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substitute = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substitute, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }
}
