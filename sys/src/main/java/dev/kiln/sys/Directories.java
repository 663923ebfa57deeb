package dev.kiln.sys;

import dev.kiln.sys.Libc.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Lists, counts and removes directories by {@code getdents64(2)}. Any thread; blocks on the disk.
 */
public final class Directories {
  /** Names of one directory that are held at once. */
  private static final int MAX_LISTED = 1 << 22;

  private Directories() {}

  static List<Dirent> list(Fd directory) throws SyscallException {
    directory.seek(0);
    var all = new ArrayList<Dirent>();
    while (read(directory, all)) {
      if (all.size() > MAX_LISTED) {
        throw new SyscallException(
            "getdents64", directory.about(), Errno.EOVERFLOW, "more than " + MAX_LISTED + " names");
      }
    }
    all.sort(Comparator.comparing(Dirent::name));
    return all;
  }

  /**
   * Adds the next entries of a directory, as many as a buffer holds, unsorted.
   *
   * @return false at its end
   */
  static boolean read(Fd directory, List<Dirent> to) throws SyscallException {
    try (var s = Scratch.take()) {
      MemorySegment b = s.buffer;
      long r =
          s.call(Sysno.GETDENTS64, directory.number(), b.address(), Scratch.BUFFER_BYTES, 0, 0, 0);
      int end = (int) Libc.check(Sysno.GETDENTS64, directory.about(), r);
      for (int at = 0; at < end; ) { // struct linux_dirent64
        int length = b.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 16L) & 0xffff;
        byte[] name = name(b, at + 19, at + length);
        if (!isDots(name)) {
          int type = (b.get(ValueLayout.JAVA_BYTE, at + 18L) & 0xf) << 12;
          long ino = b.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
          to.add(new Dirent(BytePath.trusted(name), ino, type));
        }
        at += length;
      }
      return end > 0;
    }
  }

  private static byte[] name(MemorySegment b, int from, int limit) {
    int end = from;
    while (end < limit && b.get(ValueLayout.JAVA_BYTE, end) != 0) {
      end++;
    }
    byte[] name = new byte[end - from];
    MemorySegment.copy(b, ValueLayout.JAVA_BYTE, from, name, 0, name.length);
    return name;
  }

  private static boolean isDots(byte[] name) {
    return name.length <= 2 && name[0] == '.' && (name.length == 1 || name[1] == '.');
  }

  /**
   * Removes {@code name} and all below it, of any depth and width, never following a symlink nor
   * leaving its file system by one; what is gone already is fine.
   */
  public static void removeTree(Fd parent, BytePath name) throws SyscallException {
    if (!isDirectoryLeft(parent, name)) {
      return;
    }
    try (var at = new Descent(parent)) {
      var way = new ArrayDeque<Emptying>();
      at.enter(name);
      way.push(new Emptying(name));
      while (!way.isEmpty()) {
        Optional<BytePath> below = way.element().empty(at.here());
        if (below.isPresent()) {
          at.enter(below.get());
          way.push(new Emptying(below.get()));
        } else {
          at.leave();
          removeEmpty(at.here(), way.pop().name);
        }
      }
    }
  }

  /** A directory under way; its entries are taken a buffer at a time, whatever their number. */
  private static final class Emptying {
    private final BytePath name;
    private final Deque<Dirent> taken = new ArrayDeque<>();
    private boolean progress = true;

    Emptying(BytePath name) {
      this.name = name;
    }

    /** Removes what is no directory, up to the next directory; empty where nothing is left. */
    Optional<BytePath> empty(Fd here) throws SyscallException {
      while (true) {
        for (Dirent entry; (entry = taken.poll()) != null; ) {
          progress = true;
          if (entry.isDirectory() || isDirectoryLeft(here, entry.name())) {
            return Optional.of(entry.name());
          }
        }
        if (!progress) {
          return Optional.empty();
        }
        progress = false;
        here.seek(0); // all that was read before is gone
        var some = new ArrayList<Dirent>();
        while (some.isEmpty() && read(here, some)) {
          // only dots so far
        }
        taken.addAll(some);
      }
    }
  }

  /** Removes a name that is no directory; returns whether it is one and so still there. */
  private static boolean isDirectoryLeft(Fd parent, BytePath name) throws SyscallException {
    try {
      parent.unlink(name);
      return false;
    } catch (SyscallException e) {
      if (e.errno() == Errno.ENOENT) {
        return false;
      }
      if (e.errno() != Errno.EISDIR && e.errno() != Errno.EPERM) {
        throw e;
      }
      return true;
    }
  }

  private static void removeEmpty(Fd parent, BytePath name) throws SyscallException {
    try {
      parent.rmdir(name);
    } catch (SyscallException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
    }
  }

  /**
   * What {@code name} and all below it occupy on the disk, a hard link counted once. A tree in use
   * may change under the count: what vanishes meanwhile is left out, as is a name that never was.
   */
  public static long occupiedBytes(Fd parent, BytePath name) throws SyscallException {
    var seen = new HashSet<Stat.Inode>();
    long bytes = 0;
    try (var at = new Descent(parent)) {
      var way = new ArrayDeque<Deque<BytePath>>(); // the directories still to be entered, by level
      way.push(new ArrayDeque<>(List.of(name)));
      while (true) {
        BytePath next = way.element().poll();
        if (next == null) {
          if (at.depth() == 0) {
            return bytes;
          }
          way.pop();
          at.leave();
          continue;
        }
        try {
          at.enter(next);
          var below = new ArrayDeque<BytePath>();
          way.push(below);
          bytes += occupiedIn(at.here(), below, seen);
        } catch (SyscallException e) {
          if (e.errno() != Errno.ENOENT) {
            throw e;
          }
        }
      }
    }
  }

  /** Of a directory itself and of what is no directory in it; adds the names of those in it. */
  private static long occupiedIn(Fd here, Deque<BytePath> below, Set<Stat.Inode> seen)
      throws SyscallException {
    long bytes = here.stat().blocks512() * 512;
    var some = new ArrayList<Dirent>();
    while (read(here, some)) {
      for (Dirent entry : some) {
        if (entry.isDirectory()) {
          below.add(entry.name());
        } else {
          bytes += occupied(here, entry, below, seen);
        }
      }
      some.clear();
    }
    return bytes;
  }

  private static long occupied(Fd here, Dirent entry, Deque<BytePath> below, Set<Stat.Inode> seen)
      throws SyscallException {
    try {
      Stat stat = here.stat(entry.name());
      if (stat.isDirectory()) { // of a file system that does not tell types
        below.add(entry.name());
        return 0;
      }
      return stat.nlink() == 1 || seen.add(stat.inode()) ? stat.blocks512() * 512 : 0;
    } catch (SyscallException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
      return 0;
    }
  }

  /**
   * {@code mkdir -p} of a folder, and of those above it that are missing, for their owner alone.
   *
   * @return the folder
   */
  public static Path makePrivate(Path folder) throws SyscallException {
    makeAll(Fd.CWD, BytePath.of(folder), 0700);
    return folder;
  }

  /**
   * {@code mkdir -p}: makes {@code name} and its missing parents, symlinks of the host followed.
   */
  public static void makeAll(Fd base, BytePath name, int mode) throws SyscallException {
    var missing = new ArrayDeque<BytePath>();
    BytePath at = name;
    while (!made(base, at, mode)) {
      missing.push(at);
      at = at.parent();
    }
    for (BytePath next : missing) {
      if (!made(base, next, mode)) {
        throw new SyscallException("mkdirat", base.where(next), Errno.ENOENT);
      }
    }
  }

  /** Makes one directory or finds it there; returns false where its parent is missing. */
  private static boolean made(Fd base, BytePath name, int mode) throws SyscallException {
    try {
      base.mkdir(name, mode);
      return true;
    } catch (SyscallException e) {
      if (e.errno() == Errno.EEXIST && base.statFollowing(name).isDirectory()) {
        return true;
      }
      if (e.errno() != Errno.ENOENT || name.parent().isEmpty()) {
        throw e;
      }
      return false;
    }
  }
}
