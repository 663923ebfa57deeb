package dev.kiln.model;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A list of file patterns as in {@code .dockerignore} and in LLB's include and exclude lists: shell
 * patterns with {@code **} for any number of folders; {@code !} takes back what earlier ones
 * matched; a pattern that matches a folder matches all in it; later ones win. Immutable, any
 * thread.
 *
 * <p>Two ways to ask: {@link #matches(String)} for a path alone, and {@link #match(String, Match)}
 * for a walk, which hands each folder's {@link Match} to what lies in it and so never asks twice.
 *
 * <p>Rules: moby/patternmatcher v0.6.0.
 */
public final class PatternMatcher {
  /** Matches nothing. */
  public static final PatternMatcher NONE = new PatternMatcher(List.of());

  /**
   * No deeper path can be opened on Linux (half of PATH_MAX). The folders above one are listed,
   * which takes the square of its length.
   */
  private static final int MOST_FOLDERS = 2048;

  private final List<Pattern> patterns;
  private final boolean exclusions;

  private PatternMatcher(List<Pattern> patterns) {
    this.patterns = List.copyOf(patterns);
    this.exclusions = patterns.stream().anyMatch(Pattern::exclusion);
  }

  /** One pattern of the list, cleaned and without its {@code !}. Immutable. */
  public static final class Pattern {
    private final String text;
    private final boolean exclusion;
    private final Glob glob;

    private Pattern(String text, boolean exclusion) {
      this.text = text;
      this.exclusion = exclusion;
      Glob.ofSegment(text); // only to refuse what Go's filepath.Match refuses
      this.glob = Glob.ofPath(text);
    }

    public String text() {
      return text;
    }

    /** Whether it was written with {@code !}. */
    public boolean exclusion() {
      return exclusion;
    }

    /** Whether this pattern alone matches this very path; folders above are not looked at. */
    public boolean matches(String path) {
      return glob.matches(path);
    }

    @Override
    public String toString() {
      return (exclusion ? "!" : "") + text;
    }
  }

  /** The outcome for one path: whether it matched, and which patterns hold for what lies in it. */
  public static final class Match {
    private static final Match UNKNOWN = new Match(false, new BitSet());
    private final boolean matched;
    private final BitSet held;

    private Match(boolean matched, BitSet held) {
      this.matched = matched;
      this.held = held;
    }

    public boolean matched() {
      return matched;
    }
  }

  /**
   * Blank patterns are left out.
   *
   * @throws BuildException {@code INVALID} for a malformed pattern or a lone {@code !}
   */
  public static PatternMatcher of(List<String> patterns) {
    var all = new ArrayList<Pattern>();
    for (String written : patterns) {
      String text = written.strip();
      if (text.isEmpty()) {
        continue;
      }
      text = FilePaths.clean(text);
      boolean exclusion = text.startsWith("!");
      if (exclusion && text.length() == 1) {
        throw new BuildException(Kind.INVALID, "illegal exclusion pattern: \"!\"");
      }
      all.add(new Pattern(exclusion ? text.substring(1) : text, exclusion));
    }
    return new PatternMatcher(all);
  }

  public List<Pattern> patterns() {
    return patterns;
  }

  /**
   * Whether any pattern starts with {@code !}: then a matched folder may still hold wanted files.
   */
  public boolean hasExclusions() {
    return exclusions;
  }

  public boolean isEmpty() {
    return patterns.isEmpty();
  }

  /**
   * Whether the path (relative, cleaned) or a folder above it is matched in the end.
   *
   * @throws BuildException {@code INVALID} for a path deeper than any that can be opened
   */
  public boolean matches(String path) {
    List<String> parents = parents(path);
    boolean matched = false;
    for (Pattern pattern : patterns) {
      // Only a pattern that would change the outcome so far is tried.
      if (pattern.exclusion == matched && matchesAny(pattern, path, parents)) {
        matched = !pattern.exclusion;
      }
    }
    return matched;
  }

  /** The match of a path at the top of a walk, where nothing is known of the folders above. */
  public Match match(String path) {
    return match(path, parents(path), Match.UNKNOWN);
  }

  /** The match of a path in a folder whose own match is {@code parent}. */
  public Match match(String path, Match parent) {
    return match(path, List.of(), parent);
  }

  private static List<String> parents(String path) {
    if (path.chars().filter(c -> c == '/').count() > MOST_FOLDERS) {
      throw new BuildException(
          Kind.INVALID,
          "the path "
              + path.substring(0, Math.min(64, path.length()))
              + "... has more than "
              + MOST_FOLDERS
              + " folders");
    }
    return FilePaths.parents(path);
  }

  private Match match(String path, List<String> parents, Match parent) {
    var held = new BitSet(patterns.size());
    boolean matched = false;
    for (int i = 0; i < patterns.size(); i++) {
      Pattern pattern = patterns.get(i);
      boolean hit =
          parent.held.get(i) || pattern.exclusion == matched && matchesAny(pattern, path, parents);
      if (hit) {
        held.set(i);
        matched = !pattern.exclusion;
      }
    }
    return new Match(matched, held);
  }

  private static boolean matchesAny(Pattern pattern, String path, List<String> parents) {
    return pattern.matches(path) || parents.stream().anyMatch(pattern::matches);
  }
}
