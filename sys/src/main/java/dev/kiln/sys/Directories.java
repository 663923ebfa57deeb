package dev.kiln.sys;

import dev.kiln.sys.Libc.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Lists and removes directories by {@code getdents64(2)}. Any thread; blocks on the disk. */
public final class Directories {
  private Directories() {}

  static List<Dirent> list(Fd directory) throws SyscallException {
    directory.seek(0);
    var all = new ArrayList<Dirent>();
    try (var s = Scratch.take()) {
      MemorySegment b = s.buffer;
      while (true) {
        long r =
            s.call(
                Sysno.GETDENTS64, directory.number(), b.address(), Scratch.BUFFER_BYTES, 0, 0, 0);
        int end = (int) Libc.check(Sysno.GETDENTS64, directory.about(), r);
        if (end == 0) {
          break;
        }
        for (int at = 0; at < end; ) { // struct linux_dirent64
          int length = b.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 16L) & 0xffff;
          byte[] name = name(b, at + 19, at + length);
          if (!isDots(name)) {
            int type = (b.get(ValueLayout.JAVA_BYTE, at + 18L) & 0xf) << 12;
            long ino = b.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            all.add(new Dirent(BytePath.trusted(name), ino, type));
          }
          at += length;
        }
      }
    }
    all.sort(Comparator.comparing(Dirent::name));
    return all;
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
   * Removes {@code name} and all below it, never following a symlink nor leaving its file system by
   * one; what is gone already is fine.
   */
  public static void removeTree(Fd parent, BytePath name) throws SyscallException {
    try {
      parent.unlink(name);
      return;
    } catch (SyscallException e) {
      if (e.errno() == Errno.ENOENT) {
        return;
      }
      if (e.errno() != Errno.EISDIR && e.errno() != Errno.EPERM) {
        throw e;
      }
    }
    try (Fd dir = parent.open(name, Open.RDONLY | Open.DIRECTORY | Open.NOFOLLOW, 0)) {
      for (Dirent child : dir.list()) {
        removeTree(dir, child.name());
      }
    }
    try {
      parent.rmdir(name);
    } catch (SyscallException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
    }
  }

  /**
   * {@code mkdir -p}: makes {@code name} and its missing parents, symlinks of the host followed.
   */
  public static void makeAll(Fd base, BytePath name, int mode) throws SyscallException {
    try {
      base.mkdir(name, mode);
    } catch (SyscallException e) {
      if (e.errno() == Errno.ENOENT && !name.parent().isEmpty()) {
        makeAll(base, name.parent(), mode);
        makeAll(base, name, mode);
      } else if (e.errno() != Errno.EEXIST || !base.statFollowing(name).isDirectory()) {
        throw e;
      }
    }
  }
}
