package dev.kiln.ops.file;

import dev.kiln.model.BuildException;
import dev.kiln.model.FilePaths;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Descent;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Finds the paths of a tree that a shell pattern stands for, in the order of a sorted walk. Source
 * of the rules: fsutil {@code copy/copy.go} (20250417), Go's {@code filepath.Match}.
 */
final class Wildcards {
  private Wildcards() {}

  /** Whether the text holds an unescaped {@code *}, {@code ?} or {@code [}. */
  static boolean isPattern(String text) {
    for (int i = 0; i < text.length(); i++) {
      switch (text.charAt(i)) {
        case '\\' -> i++;
        case '*', '?', '[' -> {
          return true;
        }
        default -> {}
      }
    }
    return false;
  }

  /**
   * The paths that {@code pattern} matches; the pattern itself, cleaned, where it is a plain path.
   */
  static List<String> resolve(RootedTree tree, String pattern, boolean followLinks)
      throws SyscallException {
    String clean = FilePaths.clean(pattern);
    List<String> parts = Arrays.stream(clean.split("/")).filter(p -> !p.isEmpty()).toList();
    int first = 0;
    while (first < parts.size() && !isPattern(parts.get(first))) {
      first++;
    }
    if (first == parts.size()) {
      return List.of(clean);
    }
    String above = String.join("/", parts.subList(0, first));
    BytePath base = followLinks ? tree.resolve(above) : tree.resolveParent(above);
    var found = new ArrayList<String>();
    Optional<Stat> stat = tree.stat(base);
    if (stat.isEmpty()) {
      throw new SyscallException("lstat", tree.mountedAt() + "/" + base, Errno.ENOENT);
    }
    if (stat.get().isDirectory()) {
      try (Fd directory = tree.directory(base)) {
        String rest = String.join("/", parts.subList(first, parts.size()));
        // a class such as [^a] also stands for a slash, so only without one is the depth known
        int depth = rest.indexOf('[') < 0 ? parts.size() - first : Integer.MAX_VALUE;
        walk(directory, base.toString(), matcher(rest), depth, found);
      }
    }
    return found;
  }

  /** A directory under way, by its path below the first. */
  private record Level(String path, Iterator<Dirent> rest) {}

  private static void walk(
      Fd first, String base, Predicate<String> pattern, int depth, List<String> found)
      throws SyscallException {
    var way = new ArrayDeque<Level>(); // innermost first: depth is a tree's to choose
    try (var at = new Descent(first)) {
      way.push(new Level("", first.list().iterator()));
      while (!way.isEmpty()) {
        Level level = way.element();
        if (!level.rest.hasNext()) {
          way.pop();
          if (!way.isEmpty()) {
            at.leave();
          }
          continue;
        }
        Dirent entry = level.rest.next();
        String path =
            level.path.isEmpty() ? entry.name().toString() : level.path + "/" + entry.name();
        if (pattern.test(path)) {
          found.add(base.isEmpty() ? path : base + "/" + path);
        } else if (way.size() < depth && isDirectory(at.here(), entry)) {
          if (path.length() > FolderCopy.MAX_PATH_BYTES) {
            throw new SyscallException("open", path, Errno.ENAMETOOLONG);
          }
          at.enter(entry.name());
          way.push(new Level(path, at.here().list().iterator()));
        }
      }
    }
  }

  private static boolean isDirectory(Fd directory, Dirent entry) throws SyscallException {
    return entry.type() == 0 ? directory.stat(entry.name()).isDirectory() : entry.isDirectory();
  }

  /** A malformed pattern matches nothing. */
  private static Predicate<String> matcher(String pattern) {
    try {
      return FilePaths.matcher(pattern);
    } catch (BuildException malformed) {
      return path -> false;
    }
  }
}
