package dev.kiln.ops.file;

import dev.kiln.model.BuildException;
import dev.kiln.model.FilePaths;
import dev.kiln.model.Kind;
import dev.kiln.model.PatternMatcher;
import dev.kiln.model.PatternMatcher.Match;
import dev.kiln.ops.file.RootedTree.Place;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

  /** A directory of the source under way; its copy is made when the first file in it is wanted. */
  private static final class Folder {
    final Fd source;
    final Stat stat;
    final Optional<Folder> parent;

    /** Name of the copy in the parent's copy; of the first folder, in the destination. */
    final BytePath name;

    Optional<Fd> copy = Optional.empty();

    /** Whether the copy was made here: then nothing is in it but what was copied. */
    boolean isNew;

    Folder(Fd source, Stat stat, Optional<Folder> parent, BytePath name) {
      this.source = source;
      this.stat = stat;
      this.parent = parent;
      this.name = name;
    }
  }

  private record Link(BytePath path) {}

  private final RootedTree from;
  private final RootedTree to;
  private final Wanted wanted;
  private final Map<Stat.Inode, Link> links = new HashMap<>();

  TreeCopy(RootedTree from, RootedTree to, Wanted wanted) {
    this.from = from;
    this.to = to;
    this.wanted = wanted;
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
    Optional<Stat> existing = inTheWay(at.directory(), at.name(), stat);
    if (!stat.isDirectory()) {
      file(source.directory(), source.name(), stat, at.directory(), at.name(), target, existing);
      return;
    }
    boolean created = makeCopy(at.directory(), at.name(), stat, existing, false);
    try (Fd directory = openDirectory(source.directory(), source.name());
        Fd copy = openDirectory(at.directory(), at.name())) {
      var folder = new Folder(directory, stat, Optional.empty(), at.name());
      folder.copy = Optional.of(copy);
      folder.isNew = created;
      children(folder, "", target, Optional.empty(), Optional.empty());
    }
    if (created) {
      metadata(source.directory(), source.name(), stat, at.directory(), at.name());
    } else {
      times(stat, at.directory(), at.name());
    }
  }

  private void children(
      Folder folder, String path, BytePath target, Optional<Match> include, Optional<Match> exclude)
      throws SyscallException, InterruptedException {
    for (Dirent child : folder.source.list()) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      String childPath = path.isEmpty() ? child.name().toString() : path + "/" + child.name();
      child(folder, child.name(), childPath, target.resolve(child.name()), include, exclude);
    }
  }

  private void child(
      Folder folder,
      BytePath name,
      String path,
      BytePath target,
      Optional<Match> parentInclude,
      Optional<Match> parentExclude)
      throws SyscallException, InterruptedException {
    Optional<Match> include = match(wanted.includes(), path, parentInclude);
    Optional<Match> exclude = match(wanted.excludes(), path, parentExclude);
    boolean chosen =
        include.map(Match::matched).orElse(true) && !exclude.map(Match::matched).orElse(false);
    Stat stat = folder.source.stat(name);
    if (!chosen && !stat.isDirectory()) {
      return;
    }
    if (!stat.isDirectory()) {
      Fd into = copyOf(folder);
      file(folder.source, name, stat, into, name, target, inTheWay(folder, name, stat));
      return;
    }
    try (Fd directory = openDirectory(folder.source, name)) {
      var below = new Folder(directory, stat, Optional.of(folder), name);
      try {
        if (chosen) {
          Fd into = copyOf(folder);
          below.isNew = makeCopy(into, name, stat, inTheWay(folder, name, stat), true);
          below.copy = Optional.of(openDirectory(into, name));
        }
        children(below, path, target, include, exclude);
      } finally {
        below.copy.ifPresent(Fd::close);
      }
      if (chosen) {
        metadata(folder.source, name, stat, copyOf(folder), name);
      }
    }
  }

  private static Optional<Match> match(
      PatternMatcher patterns, String path, Optional<Match> parent) {
    if (patterns.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        parent.isPresent() ? patterns.match(path, parent.get()) : patterns.match(path));
  }

  /** The copy of a folder that no pattern chose, made now because something in it was chosen. */
  private Fd copyOf(Folder folder) throws SyscallException {
    if (folder.copy.isEmpty()) {
      Folder parent = folder.parent.orElseThrow();
      Fd into = copyOf(parent);
      boolean created =
          makeCopy(into, folder.name, folder.stat, RootedTree.stat(into, folder.name), true);
      if (created) {
        metadata(parent.source, folder.name, folder.stat, into, folder.name);
      }
      folder.copy = Optional.of(openDirectory(into, folder.name));
      folder.isNew = created;
    }
    return folder.copy.get();
  }

  private static Fd openDirectory(Fd parent, BytePath name) throws SyscallException {
    return parent.openDirectory(name);
  }

  /**
   * Makes the directory where there is none.
   *
   * @return whether it was made
   */
  private boolean makeCopy(
      Fd parent, BytePath name, Stat stat, Optional<Stat> existing, boolean overwriteMode)
      throws SyscallException {
    if (existing.isEmpty()) {
      parent.mkdir(name, stat.permissions());
      return true;
    }
    if (!existing.get().isDirectory()) {
      throw new BuildException(
          Kind.UNKNOWN, "cannot copy to non-directory: " + shown(parent, name));
    }
    if (overwriteMode) {
      parent.chmod(name, stat.permissions());
    }
    return false;
  }

  /** What has the name of a child's copy already. */
  private Optional<Stat> inTheWay(Folder folder, BytePath name, Stat source)
      throws SyscallException {
    return folder.isNew ? Optional.empty() : inTheWay(copyOf(folder), name, source);
  }

  /** What has the name already; nothing, once it is removed where that was asked for. */
  private Optional<Stat> inTheWay(Fd into, BytePath name, Stat source) throws SyscallException {
    Optional<Stat> existing = RootedTree.stat(into, name);
    if (wanted.replaceExisting()
        && existing.isPresent()
        && !(source.isDirectory() && existing.get().isDirectory())) {
      Directories.removeTree(into, name);
      return Optional.empty();
    }
    return existing;
  }

  private void file(
      Fd source,
      BytePath name,
      Stat stat,
      Fd into,
      BytePath as,
      BytePath target,
      Optional<Stat> existing)
      throws SyscallException {
    if (existing.isPresent()) {
      if (existing.get().isDirectory()) {
        throw new BuildException(
            Kind.UNKNOWN, "cannot replace to directory " + shown(into, as) + " with file");
      }
      into.unlink(as);
    }
    switch (stat.type()) {
      case Stat.S_IFREG -> {
        if (linked(stat, into, as, target)) {
          return;
        }
        regular(source, name, stat, into, as);
        return;
      }
      case Stat.S_IFLNK -> into.symlink(source.readlink(name), as);
      case Stat.S_IFSOCK -> into.mknod(as, Stat.S_IFREG | stat.permissions(), Stat.Device.NONE);
      default -> into.mknod(as, stat.mode(), stat.rdev());
    }
    metadata(source, name, stat, into, as);
  }

  private boolean linked(Stat stat, Fd into, BytePath as, BytePath target) throws SyscallException {
    if (stat.nlink() < 2) {
      return false;
    }
    Link first = links.putIfAbsent(stat.inode(), new Link(target));
    if (first == null) {
      return false;
    }
    try (Place place = to.place(first.path())) {
      place.directory().link(place.name(), into, as);
    }
    return true;
  }

  private void regular(Fd source, BytePath name, Stat stat, Fd into, BytePath as)
      throws SyscallException {
    try (Fd in = BuiltFiles.open(source, name, stat);
        Fd out = into.create(as, 0600)) {
      if (stat.sizeBytes() > 0) {
        in.copyTo(out, stat.sizeBytes());
      }
      Stamp stamp = wanted.stamp();
      out.chown(
          stamp.owner().map(Stamp.User::uid).orElse(stat.uid()),
          stamp.owner().map(Stamp.User::gid).orElse(stat.gid()));
      out.chmod(permissions(stat));
      for (String key : Xattrs.list(in)) {
        Optional<byte[]> value = Xattrs.get(in, key);
        if (value.isPresent()) {
          try {
            Xattrs.set(out, key, value.get());
          } catch (SyscallException e) {
            ignoreUnsupported(e);
          }
        }
      }
      out.utimes(
          stamp.time().map(t -> t.getEpochSecond()).orElse(stat.mtimeSeconds()),
          stamp.time().map(t -> t.getNano()).orElse(stat.mtimeNanos()));
    }
  }

  /** Owner, permissions, extended attributes and time of what has just been made. */
  private void metadata(Fd source, BytePath name, Stat stat, Fd into, BytePath as)
      throws SyscallException {
    Optional<Stamp.User> owner = wanted.stamp().owner();
    into.chown(
        as,
        owner.map(Stamp.User::uid).orElse(stat.uid()),
        owner.map(Stamp.User::gid).orElse(stat.gid()));
    if (!stat.isSymlink()) {
      into.chmod(as, permissions(stat));
    }
    BytePath sourcePath = BytePath.of(source.procPath()).resolve(name);
    for (String key : Xattrs.list(sourcePath)) {
      Optional<byte[]> value = Xattrs.get(sourcePath, key);
      if (value.isPresent()) {
        try {
          Xattrs.set(BytePath.of(into.procPath()).resolve(as), key, value.get());
        } catch (SyscallException e) {
          ignoreUnsupported(e);
        }
      }
    }
    times(stat, into, as);
  }

  /** A file system that cannot keep an attribute is no reason to fail a build. */
  private static void ignoreUnsupported(SyscallException e) throws SyscallException {
    if (e.errno() != Errno.EOPNOTSUPP && e.errno() != Errno.EPERM) {
      throw e;
    }
  }

  private void times(Stat stat, Fd into, BytePath as) throws SyscallException {
    if (wanted.stamp().time().isPresent()) {
      wanted.stamp().timeOn(into, as);
    } else {
      into.utimes(as, stat.mtimeSeconds(), stat.mtimeNanos());
    }
  }

  private int permissions(Stat stat) {
    return wanted
        .mode()
        .map(m -> m.apply(stat.permissions(), stat.isDirectory()))
        .orElse(stat.permissions());
  }

  private String shown(Fd parent, BytePath name) {
    return FileFailure.inside(parent.about() + "/" + name, List.of(to.mountedAt()));
  }
}
