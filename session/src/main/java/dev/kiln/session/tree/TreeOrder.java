package dev.kiln.session.tree;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.BytePath;
import java.util.ArrayDeque;
import java.util.Comparator;

/**
 * The order in which a tree crosses the wire: a directory, then all in it, names by their bytes; so
 * a slash sorts before any other byte. An object checks that one sequence of paths keeps it and
 * that every path lies in a directory that came before. One thread.
 */
public final class TreeOrder {
  /** The kernel takes no longer path, so neither end could make or open what has one. */
  public static final int MAX_PATH_BYTES = 4095;

  public static final Comparator<BytePath> PATHS = TreeOrder::compare;

  private final ArrayDeque<Level> levels = new ArrayDeque<>();

  private static final class Level {
    final BytePath directory;
    BytePath last = BytePath.EMPTY;

    Level(BytePath directory) {
      this.directory = directory;
    }
  }

  public TreeOrder() {
    levels.push(new Level(BytePath.EMPTY));
  }

  private static int compare(BytePath a, BytePath b) {
    int common = Math.min(a.length(), b.length());
    for (int i = 0; i < common; i++) {
      int x = a.byteAt(i);
      int y = b.byteAt(i);
      if (x != y) {
        return (x == '/' ? -1 : x) - (y == '/' ? -1 : y);
      }
    }
    return a.length() - b.length();
  }

  /**
   * @throws BuildException {@code INVALID} for a path that is too long, not clean and relative, out
   *     of order, or whose directory did not come before
   */
  public void check(TreeEntry entry) {
    BytePath path = entry.path();
    BytePath parent = path.parent();
    BytePath name = path.name();
    if (path.isEmpty() || path.byteAt(0) == '/' || !isClean(path)) {
      throw new BuildException(Kind.INVALID, "unclean path in a file transfer: " + path);
    }
    int longest = Math.max(path.length(), entry.linkname().length());
    if (longest > MAX_PATH_BYTES) {
      throw new BuildException(
          Kind.INVALID,
          "a path of "
              + longest
              + " bytes in a file transfer: at most "
              + MAX_PATH_BYTES
              + " can be made");
    }
    while (levels.size() > 1 && !levels.element().directory.equals(parent)) {
      levels.pop();
    }
    Level level = levels.element();
    if (!level.directory.equals(parent) || level.last.compareTo(name) >= 0) {
      throw new BuildException(
          Kind.INVALID,
          "changes out of order: \"" + path + "\" \"" + level.directory.resolve(level.last) + "\"");
    }
    level.last = name;
    if (entry.isDirectory()) {
      levels.push(new Level(path));
    }
  }

  // No empty, "." or ".." component.
  private static boolean isClean(BytePath path) {
    int start = 0;
    for (int i = 0; i <= path.length(); i++) {
      if (i == path.length() || path.byteAt(i) == '/') {
        int length = i - start;
        boolean dots =
            length == 1 && path.byteAt(start) == '.'
                || length == 2 && path.byteAt(start) == '.' && path.byteAt(start + 1) == '.';
        if (length == 0 || dots) {
          return false;
        }
        start = i + 1;
      }
    }
    return true;
  }
}
