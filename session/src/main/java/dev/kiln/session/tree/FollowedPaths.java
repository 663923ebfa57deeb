package dev.kiln.session.tree;

import dev.kiln.model.FilePaths;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Fd;
import dev.kiln.sys.SyscallException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * Finds what must be sent so that paths can be followed at the other end: each symlink on the way
 * and what it leads to, within one directory. A path's components may be shell patterns. One
 * thread.
 */
final class FollowedPaths {
  private final Fd root;
  private final TreeSet<String> found = new TreeSet<>();

  private FollowedPaths(Fd root) {
    this.root = root;
  }

  /** The paths to send, sorted; the empty list where one of them is the root, which is all. */
  static List<String> of(Fd root, List<String> paths) throws SyscallException {
    var followed = new FollowedPaths(root);
    for (String path : paths) {
      followed.follow(path);
    }
    return withoutNested(followed.found);
  }

  private void follow(String first) throws SyscallException {
    var ahead = new ArrayDeque<String>(List.of(first)); // links may lead to links without end
    for (String path; (path = ahead.poll()) != null; ) {
      String rest = FilePaths.clean("/" + path).substring(1);
      String current = "";
      boolean ended = false;
      while (!rest.isEmpty() && !ended) {
        int slash = rest.indexOf('/');
        String component = slash < 0 ? rest : rest.substring(0, slash);
        rest = slash < 0 ? "" : rest.substring(slash + 1);
        String directory = current;
        current = current.isEmpty() ? component : current + "/" + component;
        List<String> targets = targets(directory, component);
        if (!targets.isEmpty()) {
          if (found.add(current)) {
            for (String target : targets.reversed()) {
              ahead.push(rest.isEmpty() ? target : target + "/" + rest);
            }
          }
          ended = true;
        }
      }
      if (!ended) {
        found.add(current.isEmpty() ? "." : current);
      }
    }
  }

  /** Where the symlinks of this name (or pattern) lead, as paths from the root. */
  private List<String> targets(String directory, String name) throws SyscallException {
    var targets = new ArrayList<String>();
    if (name.indexOf('*') < 0 && name.indexOf('?') < 0 && name.indexOf('[') < 0) {
      addTarget(targets, directory, name);
      return targets;
    }
    for (Dirent entry : list(directory)) {
      if (FilePaths.matches(name, entry.name().toString())) {
        addTarget(targets, directory, entry.name().toString());
      }
    }
    return targets;
  }

  private void addTarget(List<String> to, String directory, String name) {
    try {
      BytePath path = BytePath.of(directory.isEmpty() ? name : directory + "/" + name);
      if (root.stat(path).isSymlink()) {
        String link = root.readlink(path).toString();
        to.add(link.startsWith("/") ? FilePaths.clean(link) : "/" + directory + "/" + link);
      }
    } catch (SyscallException e) {
      // what is not there leads nowhere
    }
  }

  private List<Dirent> list(String directory) {
    try (Fd fd = root.openDirectory(BytePath.of(directory.isEmpty() ? "." : directory))) {
      return fd.list();
    } catch (SyscallException e) {
      return List.of(); // nor does what is no directory
    }
  }

  private static List<String> withoutNested(TreeSet<String> sorted) {
    if (sorted.contains(".")) {
      return List.of();
    }
    var all = new ArrayList<String>();
    for (String path : sorted) {
      if (all.isEmpty() || !path.startsWith(all.getLast() + "/")) {
        all.add(path);
      }
    }
    return all;
  }
}
