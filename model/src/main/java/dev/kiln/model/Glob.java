package dev.kiln.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * One compiled file pattern. It is a row of tokens that is walked with all possible positions at
 * once, so a match costs path length times pattern length whatever the pattern: no text from a
 * client can make it backtrack. Immutable, any thread.
 *
 * <p>Rules: Go's {@code filepath.Match}, and with {@code **} those of moby/patternmatcher v0.6.0.
 */
final class Glob {
  /** What one token eats of a path. */
  private sealed interface Token {}

  private record Literal(int c) implements Token {}

  /** {@code ?}: one character of a name. */
  private record One() implements Token {}

  /** {@code *}: any characters of a name. */
  private record Star() implements Token {}

  /** {@code [..]}: pairs of first and last character. */
  private record Class(boolean negated, List<int[]> ranges) implements Token {
    boolean has(int c) {
      return ranges.stream().anyMatch(r -> r[0] <= c && c <= r[1]) != negated;
    }
  }

  /** {@code **} in front of more: nothing, or any folders and the slash after them. */
  private record Folders() implements Token {}

  /** {@code **} at the end: anything at all. */
  private record Rest() implements Token {}

  private final List<Token> tokens;

  /** Most patterns are plain names. */
  private final Optional<String> exact;

  private Glob(List<Token> tokens) {
    this.tokens = List.copyOf(tokens);
    var plain = new StringBuilder();
    boolean allPlain = true;
    for (Token token : tokens) {
      if (token instanceof Literal(int c)) {
        plain.appendCodePoint(c);
      } else {
        allPlain = false;
      }
    }
    this.exact = allPlain ? Optional.of(plain.toString()) : Optional.empty();
  }

  /** {@code *} only; {@code **} is two stars in a row. */
  static Glob ofSegment(String pattern) {
    return new Glob(parse(pattern, false));
  }

  static Glob ofPath(String pattern) {
    List<Token> tokens = parse(pattern, true);
    // "**.go" ends in ".go" wherever the name starts; only "**/" is bound to whole folders.
    boolean endsWith =
        tokens.size() > 1
            && tokens.getFirst() instanceof Folders
            && !pattern.startsWith("**/")
            && pattern.indexOf('\\') < 0
            && tokens.stream().skip(1).allMatch(t -> t instanceof Literal);
    if (endsWith) {
      tokens.set(0, new Rest());
    }
    return new Glob(tokens);
  }

  private static List<Token> parse(String pattern, boolean deep) {
    int[] in = pattern.codePoints().toArray();
    var out = new ArrayList<Token>();
    int i = 0;
    while (i < in.length) {
      int c = in[i++];
      switch (c) {
        case '?' -> out.add(new One());
        case '\\' -> {
          if (i == in.length) {
            throw malformed();
          }
          out.add(new Literal(in[i++]));
        }
        case '[' -> i = parseClass(in, i, out);
        case '*' -> {
          if (!deep || i == in.length || in[i] != '*') {
            out.add(new Star());
            continue;
          }
          i++;
          if (i < in.length && in[i] == '/') {
            i++;
          }
          out.add(i == in.length ? new Rest() : new Folders());
        }
        default -> out.add(new Literal(c));
      }
    }
    return out;
  }

  private static int parseClass(int[] in, int start, List<Token> out) {
    int i = start;
    boolean negated = i < in.length && in[i] == '^';
    if (negated) {
      i++;
    }
    var ranges = new ArrayList<int[]>();
    while (true) {
      if (i < in.length && in[i] == ']' && !ranges.isEmpty()) {
        out.add(new Class(negated, List.copyOf(ranges)));
        return i + 1;
      }
      int[] at = {i};
      int first = classCharacter(in, at);
      int last = first;
      if (at[0] < in.length && in[at[0]] == '-') {
        at[0]++;
        last = classCharacter(in, at);
      }
      i = at[0];
      ranges.add(new int[] {first, last});
    }
  }

  /** One character inside a class at {@code at[0]}, which moves past it; something must follow. */
  private static int classCharacter(int[] in, int[] at) {
    if (at[0] >= in.length || in[at[0]] == '-' || in[at[0]] == ']') {
      throw malformed();
    }
    if (in[at[0]] == '\\') {
      at[0]++;
    }
    if (at[0] + 1 >= in.length) {
      throw malformed();
    }
    return in[at[0]++];
  }

  private static BuildException malformed() {
    return new BuildException(Kind.INVALID, "syntax error in pattern");
  }

  boolean matches(String path) {
    return exact.isPresent() ? exact.get().equals(path) : walk(path);
  }

  private boolean walk(String path) {
    boolean[] at = new boolean[tokens.size() + 1];
    at[0] = true;
    skipOptional(at);
    boolean[] inFolders = new boolean[tokens.size() + 1];
    boolean[] next = new boolean[tokens.size() + 1];
    boolean[] nextInFolders = new boolean[tokens.size() + 1];
    for (int p = 0; p < path.length(); ) {
      int c = path.codePointAt(p);
      p += Character.charCount(c);
      Arrays.fill(next, false);
      Arrays.fill(nextInFolders, false);
      for (int t = 0; t < tokens.size(); t++) {
        if (inFolders[t] || at[t] && tokens.get(t) instanceof Folders) {
          nextInFolders[t] = true;
          next[t + 1] |= c == '/';
        }
        if (at[t]) {
          step(t, c, next);
        }
      }
      skipOptional(next);
      boolean[] freeAt = at;
      at = next;
      next = freeAt;
      boolean[] freeIn = inFolders;
      inFolders = nextInFolders;
      nextInFolders = freeIn;
    }
    return at[tokens.size()];
  }

  private void step(int t, int c, boolean[] next) {
    switch (tokens.get(t)) {
      case Literal l -> next[t + 1] |= l.c() == c;
      case One _ -> next[t + 1] |= c != '/';
      case Class k -> next[t + 1] |= k.has(c);
      case Star _ -> next[t] |= c != '/';
      case Rest _ -> next[t] = true;
      case Folders _ -> {} // the caller's: it lasts over several characters
    }
  }

  /** Tokens that may eat nothing are also passed by. */
  private void skipOptional(boolean[] at) {
    for (int t = 0; t < tokens.size(); t++) {
      Token token = tokens.get(t);
      if (at[t] && (token instanceof Star || token instanceof Rest || token instanceof Folders)) {
        at[t + 1] = true;
      }
    }
  }
}
