package dev.kiln.model;

import java.util.ArrayList;
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

  /** Positions in the tokens, each once. */
  private static final class Positions {
    final int[] all;
    final boolean[] has;
    int count;

    Positions(int size) {
      this.all = new int[size];
      this.has = new boolean[size];
    }

    /** False where it is there already. */
    boolean add(int position) {
      if (has[position]) {
        return false;
      }
      has[position] = true;
      all[count++] = position;
      return true;
    }

    void clear() {
      while (count > 0) {
        has[all[--count]] = false;
      }
    }
  }

  /** Follows the positions that are reached alone: most patterns have few at a time. */
  private boolean walk(String path) {
    int size = tokens.size() + 1;
    var at = new Positions(size);
    var inFolders = new Positions(size);
    var next = new Positions(size);
    var nextInFolders = new Positions(size);
    reach(at, 0);
    for (int p = 0; p < path.length() && at.count + inFolders.count > 0; ) {
      int c = path.codePointAt(p);
      p += Character.charCount(c);
      next.clear();
      nextInFolders.clear();
      for (int i = 0; i < inFolders.count; i++) {
        folders(inFolders.all[i], c, next, nextInFolders);
      }
      for (int i = 0; i < at.count; i++) {
        step(at.all[i], c, next, nextInFolders);
      }
      Positions freeAt = at;
      at = next;
      next = freeAt;
      Positions freeIn = inFolders;
      inFolders = nextInFolders;
      nextInFolders = freeIn;
    }
    return at.has[tokens.size()];
  }

  private void step(int t, int c, Positions next, Positions nextInFolders) {
    if (t == tokens.size()) {
      return; // the path goes on behind the pattern's end
    }
    Token token = tokens.get(t);
    switch (token) {
      case Star _ -> reachIf(c != '/', next, t);
      case Rest _ -> reach(next, t);
      case Folders _ -> folders(t, c, next, nextInFolders);
      case Literal l -> reachIf(l.c() == c, next, t + 1);
      case One _ -> reachIf(c != '/', next, t + 1);
      case Class k -> reachIf(k.has(c), next, t + 1);
    }
  }

  /** Folders last over several characters; what follows them begins behind a slash. */
  private void folders(int t, int c, Positions next, Positions nextInFolders) {
    nextInFolders.add(t);
    reachIf(c == '/', next, t + 1);
  }

  private void reachIf(boolean is, Positions next, int t) {
    if (is) {
      reach(next, t);
    }
  }

  /** Tokens that may eat nothing are also passed by. */
  private void reach(Positions at, int t) {
    int reached = t;
    while (at.add(reached) && reached < tokens.size() && mayEatNothing(tokens.get(reached))) {
      reached++;
    }
  }

  private static boolean mayEatNothing(Token token) {
    return token instanceof Star || token instanceof Rest || token instanceof Folders;
  }
}
