package dev.kiln.sys;

import dev.kiln.sys.Libc.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Extended attributes. Paths are absolute (or {@code /proc/self/fd/N/name}); the final symlink is
 * not followed. Any thread.
 */
public final class Xattrs {
  /** Linux keeps values and lists of names below this (limits.h, XATTR_SIZE_MAX). */
  private static final int MAX = 1 << 16;

  private Xattrs() {}

  public static void set(BytePath path, String name, byte[] value) throws SyscallException {
    try (var s = Scratch.take()) {
      put(s, value);
      Libc.check(
          Sysno.LSETXATTR,
          path,
          s.call(
              Sysno.LSETXATTR,
              s.pathA(path),
              s.pathB(BytePath.of(name)),
              s.buffer.address(),
              value.length,
              0,
              0));
    }
  }

  public static void set(Fd file, String name, byte[] value) throws SyscallException {
    try (var s = Scratch.take()) {
      put(s, value);
      Libc.check(
          Sysno.FSETXATTR,
          file.about(),
          s.call(
              Sysno.FSETXATTR,
              file.number(),
              s.pathB(BytePath.of(name)),
              s.buffer.address(),
              value.length,
              0,
              0));
    }
  }

  private static void put(Scratch s, byte[] value) throws SyscallException {
    if (value.length > MAX) {
      throw new SyscallException("setxattr", "", Errno.E2BIG);
    }
    MemorySegment.copy(value, 0, s.buffer, ValueLayout.JAVA_BYTE, 0, value.length);
  }

  /** The value, or empty where there is none of this name (or the file system has none at all). */
  public static Optional<byte[]> get(BytePath path, String name) throws SyscallException {
    try (var s = Scratch.take()) {
      return value(
          s,
          Sysno.LGETXATTR,
          path,
          s.call(
              Sysno.LGETXATTR,
              s.pathA(path),
              s.pathB(BytePath.of(name)),
              s.buffer.address(),
              MAX,
              0,
              0));
    }
  }

  public static Optional<byte[]> get(Fd file, String name) throws SyscallException {
    try (var s = Scratch.take()) {
      return value(
          s,
          Sysno.FGETXATTR,
          file.about(),
          s.call(
              Sysno.FGETXATTR,
              file.number(),
              s.pathB(BytePath.of(name)),
              s.buffer.address(),
              MAX,
              0,
              0));
    }
  }

  private static Optional<byte[]> value(Scratch s, Sysno call, Object about, long r)
      throws SyscallException {
    if (r == -Errno.ENODATA || r == -Errno.EOPNOTSUPP) {
      return Optional.empty();
    }
    int length = (int) Libc.check(call, about, r);
    return Optional.of(s.buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
  }

  /** The names, sorted; none where the file system has none. */
  public static List<String> list(BytePath path) throws SyscallException {
    try (var s = Scratch.take()) {
      return names(
          s,
          Sysno.LLISTXATTR,
          path,
          s.call(Sysno.LLISTXATTR, s.pathA(path), s.buffer.address(), MAX, 0, 0, 0));
    }
  }

  public static List<String> list(Fd file) throws SyscallException {
    try (var s = Scratch.take()) {
      return names(
          s,
          Sysno.FLISTXATTR,
          file.about(),
          s.call(Sysno.FLISTXATTR, file.number(), s.buffer.address(), MAX, 0, 0, 0));
    }
  }

  private static List<String> names(Scratch s, Sysno call, Object about, long r)
      throws SyscallException {
    if (r == 0 || r == -Errno.EOPNOTSUPP) {
      return List.of();
    }
    int length = (int) Libc.check(call, about, r);
    var names = new ArrayList<String>();
    for (int at = 0; at < length; ) {
      String name = s.buffer.getString(at);
      names.add(name);
      at += name.getBytes(java.nio.charset.StandardCharsets.UTF_8).length + 1;
    }
    names.sort(null);
    return names;
  }

  /** All names with their values, sorted by name. */
  public static SortedMap<String, byte[]> all(BytePath path) throws SyscallException {
    var all = new TreeMap<String, byte[]>();
    for (String name : list(path)) {
      get(path, name).ifPresent(value -> all.put(name, value));
    }
    return all;
  }

  /** Removes one attribute; none of this name is fine. */
  public static void remove(BytePath path, String name) throws SyscallException {
    try (var s = Scratch.take()) {
      long r = s.call(Sysno.LREMOVEXATTR, s.pathA(path), s.pathB(BytePath.of(name)), 0, 0, 0, 0);
      if (r != -Errno.ENODATA) {
        Libc.check(Sysno.LREMOVEXATTR, path, r);
      }
    }
  }
}
