package dev.kiln.session.tree;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Descent;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Walks a directory in {@link TreeOrder}, one entry at a time; the root itself is none. Files that
 * vanish meanwhile are left out. One thread; whoever made it closes it, which leaves the root
 * descriptor open.
 */
public final class TreeWalk implements AutoCloseable {
  private final ArrayDeque<Level> levels = new ArrayDeque<>(); // innermost first
  private final Descent at;
  private final Map<Stat.Inode, BytePath> firstNames = new HashMap<>();
  private final boolean withXattrs;
  private @Nullable BytePath pending; // a directory just returned, not yet entered
  private long lastSizeBytes;

  /** What is left of a directory. */
  private record Level(BytePath path, Iterator<Dirent> entries) {}

  /**
   * @param withXattrs whether entries carry extended attributes, which costs a system call each
   */
  public TreeWalk(Fd root, boolean withXattrs) throws SyscallException {
    this.withXattrs = withXattrs;
    this.at = new Descent(root);
    levels.push(new Level(BytePath.EMPTY, root.list().iterator()));
  }

  /** The next entry; empty at the end. */
  public Optional<TreeEntry> next() throws SyscallException {
    enterPending();
    while (!levels.isEmpty()) {
      Level level = levels.element();
      if (!level.entries().hasNext()) {
        leave();
        continue;
      }
      BytePath name = level.entries().next().name();
      BytePath path = level.path().resolve(name);
      try {
        if (path.length() > TreeOrder.MAX_PATH_BYTES) {
          throw new SyscallException("open", path.toString(), Errno.ENAMETOOLONG);
        }
        TreeEntry entry = read(at.here(), name, path);
        if (entry.isDirectory()) {
          pending = path;
        }
        return Optional.of(entry);
      } catch (SyscallException e) {
        if (e.errno() != Errno.ENOENT) {
          throw e;
        }
      }
    }
    return Optional.empty();
  }

  /** The size of the file returned last, which a hard link's entry does not tell. */
  public long lastSizeBytes() {
    return lastSizeBytes;
  }

  /** Leaves out what lies in the directory that {@link #next} returned last. */
  public void skipChildren() {
    pending = null;
  }

  private void enterPending() throws SyscallException {
    BytePath directory = pending;
    if (directory == null) {
      return;
    }
    pending = null;
    try {
      at.enter(directory.name());
    } catch (SyscallException e) {
      if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENOTDIR) {
        throw e;
      }
      return;
    }
    levels.push(new Level(directory, at.here().list().iterator()));
  }

  private void leave() throws SyscallException {
    levels.pop();
    if (!levels.isEmpty()) {
      at.leave();
    }
  }

  private TreeEntry read(Fd in, BytePath name, BytePath path) throws SyscallException {
    Stat stat = in.stat(name);
    BytePath linkname = BytePath.EMPTY;
    long size = stat.isDirectory() ? 0 : stat.sizeBytes();
    lastSizeBytes = size;
    if (stat.isSymlink()) {
      linkname = in.readlink(name);
    }
    if (!stat.isDirectory() && stat.nlink() > 1) {
      BytePath first = firstNames.putIfAbsent(stat.inode(), path);
      if (first != null && !stat.isSymlink()) {
        linkname = first;
        size = 0;
      }
    }
    return new TreeEntry(
        path,
        GoMode.ofUnix(stat.mode()) & ~GoMode.SOCKET,
        stat.uid(),
        stat.gid(),
        size,
        stat.mtimeSeconds() * 1_000_000_000L + stat.mtimeNanos(),
        linkname,
        stat.isDevice() ? stat.rdev().major() : 0,
        stat.isDevice() ? stat.rdev().minor() : 0,
        withXattrs ? xattrs(in, name) : TreeEntry.NO_XATTRS);
  }

  // Apple's own are left out, as fsutil does; an unreadable one too.
  private static SortedMap<String, byte[]> xattrs(Fd in, BytePath name) throws SyscallException {
    BytePath path = BytePath.of(in.procPath()).resolve(name);
    List<String> names = Xattrs.list(path);
    if (names.isEmpty()) {
      return TreeEntry.NO_XATTRS;
    }
    var all = new TreeMap<String, byte[]>();
    for (String key : names) {
      if (!key.startsWith("com.apple.")) {
        Xattrs.get(path, key).ifPresent(value -> all.put(key, value));
      }
    }
    return all.isEmpty() ? TreeEntry.NO_XATTRS : all;
  }

  @Override
  public void close() {
    at.close();
  }
}
