package dev.kiln.ops.file;

import dev.kiln.model.FilePaths;
import dev.kiln.model.PatternMatcher;
import dev.kiln.ops.file.RootedTree.Place;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Copies one source path of a tree into another tree, {@code cp -a} with what {@code COPY} adds:
 * patterns, owner, permissions, time. Directories are merged with those at the destination; hard
 * links among the copied files stay links. Works on descriptors, so a symlink is copied and never
 * followed. One use, one thread. Source of the rules: BuildKit v0.22 with fsutil {@code
 * copy/copy.go} (20250417).
 */
final class TreeCopy {
  private static final int NEW_DIRECTORY = 0755;

  /** What the user asked for. The edit of permissions is empty to keep those of the source. */
  record Wanted(
      Stamp stamp,
      Optional<ModeEdit> mode,
      int parentMode,
      boolean contentsOnly,
      boolean followLinks,
      boolean replaceExisting,
      PatternMatcher includes,
      PatternMatcher excludes) {
    Wanted(Stamp stamp) {
      this(
          stamp,
          Optional.empty(),
          NEW_DIRECTORY,
          false,
          false,
          false,
          PatternMatcher.NONE,
          PatternMatcher.NONE);
    }
  }

  private final RootedTree from;
  private final RootedTree to;
  private final Wanted wanted;
  private final EntryCopy entries;

  TreeCopy(RootedTree from, RootedTree to, Wanted wanted) {
    this.from = from;
    this.to = to;
    this.wanted = wanted;
    this.entries = new EntryCopy(to, wanted);
  }

  /**
   * @param source a path of the source tree; a trailing {@code /.} means its content
   * @param destination a trailing slash makes it a directory
   */
  void copy(String source, String destination) throws SyscallException, InterruptedException {
    var made = new ArrayList<BytePath>();
    String last = destination.substring(destination.lastIndexOf('/') + 1);
    boolean named = !last.isEmpty() && !last.equals(".");
    String parent =
        named ? destination.substring(0, destination.length() - last.length()) : destination;
    made.addAll(makeDirectories(to.resolve(parent)));
    BytePath target = to.resolve(FilePaths.clean(destination));

    BytePath followed = wanted.followLinks() ? from.resolve(source) : from.resolveParent(source);
    try (Place place = from.place(followed)) {
      Stat stat = place.directory().stat(place.name());
      Optional<Stat> existing = to.stat(target);
      boolean into =
          stat.isDirectory()
              ? !wanted.contentsOnly() && existing.isPresent()
              : existing.isPresent() && existing.get().isDirectory();
      String base = FilePaths.base(source);
      if (into && !base.equals(".") && !base.equals("/")) {
        target = target.resolve(base);
      }
      boolean isContent = wanted.contentsOnly() && stat.isDirectory() && existing.isEmpty();
      made.addAll(makeDirectories(isContent ? target : target.parent()));
      try (Place at = to.place(target)) {
        top(place, stat, at, target);
      }
    }
    if (wanted.stamp().time().isPresent()) {
      for (BytePath directory : made.reversed()) {
        try (Place place = to.place(directory)) {
          wanted.stamp().timeOn(place.directory(), place.name());
        }
      }
    }
  }

  private List<BytePath> makeDirectories(BytePath resolved) throws SyscallException {
    return to.makeDirectories(resolved, wanted.parentMode() & 0777, wanted.stamp());
  }

  private void top(Place source, Stat stat, Place at, BytePath target)
      throws SyscallException, InterruptedException {
    Fd from = source.directory();
    Fd into = at.directory();
    Optional<Stat> existing = entries.inTheWay(into, at.name(), stat);
    if (!stat.isDirectory()) {
      entries.file(from, source.name(), stat, into, at.name(), target, existing);
      return;
    }
    boolean created = entries.directory(into, at.name(), stat, existing, false);
    try (Fd folder = from.openDirectory(source.name());
        Fd copy = into.openDirectory(at.name());
        var content = new FolderCopy(folder, copy, created, target, entries, wanted)) {
      content.run();
    }
    if (created) {
      entries.metadata(EntryCopy.attributes(from, source.name()), stat, into, at.name());
    } else {
      entries.times(stat, into, at.name());
    }
  }
}
