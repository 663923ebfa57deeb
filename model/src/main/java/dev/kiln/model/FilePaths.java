package dev.kiln.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Slash-separated path texts as Go's {@code path/filepath} treats them on Linux, which is what
 * clients and frontends expect of every path and pattern that they send. Texts only: nothing here
 * looks at a disk. Pure, any thread.
 */
public final class FilePaths {
  private FilePaths() {}

  /**
   * The shortest equal path: no double slashes, no {@code .}, {@code ..} taken back where a name
   * stands before it; {@code .} for the empty text, and nothing above {@code /}.
   */
  public static String clean(String path) {
    boolean rooted = path.startsWith("/");
    var kept = new ArrayDeque<String>();
    for (String name : path.split("/")) {
      switch (name) {
        case "", "." -> {}
        case ".." -> {
          if (!kept.isEmpty() && !kept.getLast().equals("..")) {
            kept.removeLast();
          } else if (!rooted) {
            kept.addLast(name);
          }
        }
        default -> kept.addLast(name);
      }
    }
    String joined = String.join("/", kept);
    return rooted ? "/" + joined : joined.isEmpty() ? "." : joined;
  }

  /** The folder part, cleaned: {@code .} where there is none. */
  public static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return clean(slash < 0 ? "" : path.substring(0, slash + 1));
  }

  /** The last name: {@code .} for the empty text, {@code /} for slashes alone. */
  public static String base(String path) {
    int end = path.length();
    while (end > 0 && path.charAt(end - 1) == '/') {
      end--;
    }
    if (end == 0) {
      return path.isEmpty() ? "." : "/";
    }
    return path.substring(path.lastIndexOf('/', end - 1) + 1, end);
  }

  /**
   * Whether {@code name} as a whole matches the shell pattern: {@code *} and {@code ?} stop at a
   * slash, {@code [a-z]} and {@code [^a-z]} are classes, a backslash takes the next character as it
   * is.
   *
   * @throws BuildException {@code INVALID} "syntax error in pattern"
   */
  public static boolean matches(String pattern, String name) {
    return matcher(pattern).test(name);
  }

  /** {@link #matches} for many names, with the pattern read once. */
  public static Predicate<String> matcher(String pattern) {
    return Glob.ofSegment(pattern)::matches;
  }

  /** Every folder above {@code path} from the top: {@code a}, {@code a/b} for {@code a/b/c}. */
  static List<String> parents(String path) {
    var all = new ArrayList<String>();
    for (int i = path.indexOf('/', 1); i >= 0; i = path.indexOf('/', i + 1)) {
      all.add(path.substring(0, i));
    }
    return all;
  }
}
