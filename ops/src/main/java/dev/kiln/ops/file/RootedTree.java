package dev.kiln.ops.file;

import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * A mounted tree in which paths mean what they mean to a process whose root it is: symlinks and
 * {@code ..} never lead out. A path is first <em>resolved</em> to one without symlinks; what does
 * not exist yet is part of it, so a file can be made through a dangling link as BuildKit does. The
 * parent is then opened with {@code openat2}, which refuses symlinks once more, and everything else
 * works on that descriptor and a single name. Confined to one thread; who opened it closes it.
 */
final class RootedTree implements AutoCloseable {
  private static final BytePath DOT = BytePath.of(".");

  /** As many as the kernel follows in a row is 40; BuildKit's resolver stops at 255. */
  private static final int MAX_LINKS = 255;

  private final Fd root;

  private RootedTree(Fd root) {
    this.root = root;
  }

  static RootedTree open(Path mount) throws SyscallException {
    return new RootedTree(Fd.directory(mount));
  }

  /** A name in an open directory of the tree. Closing it closes the directory. */
  record Place(Fd directory, BytePath name) implements AutoCloseable {
    Optional<Stat> stat() throws SyscallException {
      return RootedTree.stat(directory, name);
    }

    @Override
    public void close() {
      directory.close();
    }
  }

  /** {@code lstat} of a name, empty where there is none. */
  static Optional<Stat> stat(Fd directory, BytePath name) throws SyscallException {
    try {
      return Optional.of(directory.stat(name));
    } catch (SyscallException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Its files, for reading; symlinks are followed inside the tree. */
  BuiltFiles files(String owner) {
    return BuiltFiles.in(root, owner);
  }

  /** Where the tree is mounted: the prefix of the paths in {@link SyscallException}s. */
  String mountedAt() {
    return root.about();
  }

  /** The path with all symlinks resolved, the last one too; relative, empty for the root. */
  BytePath resolve(String path) throws SyscallException {
    return resolve(BytePath.of(path), true);
  }

  /** As {@link #resolve}, but the last name is taken as it stands. */
  BytePath resolveParent(String path) throws SyscallException {
    return resolve(BytePath.of(path), false);
  }

  /** As {@link #resolve(String)}, for names of an archive. */
  BytePath resolve(BytePath path) throws SyscallException {
    return resolve(path, true);
  }

  /** As {@link #resolveParent(String)}, for names of an archive. */
  BytePath resolveParent(BytePath path) throws SyscallException {
    return resolve(path, false);
  }

  /** The path without its last name, {@code .} and {@code ..} taken out first. */
  static BytePath parent(BytePath path) {
    return BytePath.join(lexical(path)).parent();
  }

  private BytePath resolve(BytePath path, boolean followLast) throws SyscallException {
    List<BytePath> plain = lexical(path);
    if (isFreeOfLinks(followLast ? plain : plain.subList(0, Math.max(0, plain.size() - 1)))) {
      return BytePath.join(plain);
    }
    Deque<BytePath> ahead = new ArrayDeque<>(plain);
    var done = new ArrayList<BytePath>();
    int missing = Integer.MAX_VALUE; // from which name on nothing is there, and so no link
    int links = 0;
    while (!ahead.isEmpty()) {
      BytePath name = ahead.removeFirst();
      if (name.equals(BytePath.of(".."))) {
        if (!done.isEmpty()) {
          done.removeLast();
          missing = done.size() < missing ? Integer.MAX_VALUE : missing;
        }
        continue;
      }
      done.add(name);
      if (done.size() > missing) {
        continue;
      }
      if (ahead.isEmpty() && !followLast) {
        break;
      }
      BytePath here = BytePath.join(done);
      Optional<Stat> stat = stat(here);
      if (stat.isEmpty() || !stat.get().isSymlink()) {
        missing = stat.isEmpty() ? done.size() : missing;
        continue;
      }
      BytePath target = readlink(here);
      if (++links > MAX_LINKS) {
        throw new SyscallException("open", root.about() + "/" + BytePath.join(done), Errno.ELOOP);
      }
      done.removeLast();
      if (target.startsWith("/")) {
        done.clear();
      }
      names(target).reversed().forEach(ahead::addFirst);
    }
    return BytePath.join(done);
  }

  /** One call that answers for the usual path: it exists and no name of it is a symlink. */
  private boolean isFreeOfLinks(List<BytePath> names) {
    if (names.isEmpty()) {
      return true;
    }
    return root.existsWithoutLinks(BytePath.join(names));
  }

  private BytePath readlink(BytePath path) throws SyscallException {
    try (Place place = place(path)) {
      return place.directory().readlink(place.name());
    }
  }

  /** Opens the parent of a resolved path. */
  Place place(BytePath resolved) throws SyscallException {
    BytePath name = resolved.isEmpty() ? DOT : resolved.name();
    return new Place(directory(resolved.parent()), name);
  }

  /** Opens a resolved directory. */
  Fd directory(BytePath resolved) throws SyscallException {
    return root.openDirectoryWithoutLinks(resolved.isEmpty() ? DOT : resolved);
  }

  /** The tree whose root is a resolved directory of this one; the caller closes it. */
  RootedTree below(BytePath resolved) throws SyscallException {
    return new RootedTree(directory(resolved));
  }

  /** {@code lstat} of a resolved path, empty where it or its parent does not exist. */
  Optional<Stat> stat(BytePath resolved) throws SyscallException {
    try (Place place = place(resolved)) {
      return place.stat();
    } catch (SyscallException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /**
   * {@code mkdir -p} of a resolved path with exactly these permissions.
   *
   * @return the directories that were made, from the top
   */
  List<BytePath> makeDirectories(BytePath resolved, int permissions, Stamp stamp)
      throws SyscallException {
    var missing = new ArrayDeque<BytePath>();
    BytePath at = resolved;
    while (!at.isEmpty()) {
      Optional<Stat> stat = stat(at);
      if (stat.isPresent()) {
        if (!stat.get().isDirectory()) {
          throw new SyscallException("mkdir", root.about() + "/" + at, Errno.ENOTDIR);
        }
        break;
      }
      missing.addFirst(at);
      at = at.parent();
    }
    for (BytePath path : missing) {
      try (Place place = place(path)) {
        place.directory().mkdir(place.name(), permissions);
        place.directory().chmod(place.name(), permissions);
        stamp.on(place.directory(), place.name());
      }
    }
    return List.copyOf(missing);
  }

  private static List<BytePath> lexical(BytePath path) {
    var names = new ArrayList<BytePath>();
    for (BytePath name : names(path)) {
      if (!name.equals(BytePath.of(".."))) {
        names.add(name);
      } else if (!names.isEmpty()) {
        names.removeLast();
      }
    }
    return names;
  }

  private static List<BytePath> names(BytePath path) {
    var names = new ArrayList<BytePath>();
    for (String name : path.latin1().split("/")) {
      if (!name.isEmpty() && !name.equals(".")) {
        names.add(BytePath.ofLatin1(name));
      }
    }
    return names;
  }

  @Override
  public void close() {
    root.close();
  }
}
