package dev.kiln.sys;

import dev.kiln.sys.Libc.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Mounts and unmounts. Any thread of the mount namespace that is meant; may block (platform
 * threads). Options that fit a page go through {@code mount(2)}, one call; a longer overlay goes
 * through {@code fsopen(2)} and its companions, which take each lower directory on its own (Linux
 * 6.5, {@code lowerdir+}).
 */
public final class Mounts {
  public static final long MS_RDONLY = 1;
  public static final long MS_NOSUID = 2;
  public static final long MS_NODEV = 4;
  public static final long MS_NOEXEC = 8;
  public static final long MS_REMOUNT = 32;
  public static final long MS_NOATIME = 1024;
  public static final long MS_BIND = 4096;
  public static final long MS_REC = 16384;
  public static final long MS_PRIVATE = 1 << 18;
  public static final long MS_SLAVE = 1 << 19;
  public static final long MS_SHARED = 1 << 20;
  public static final long MS_RELATIME = 1 << 21;
  public static final long MS_STRICTATIME = 1 << 24;

  /** {@code umount2}: at once out of the tree, for good when the last user has gone. */
  public static final int MNT_DETACH = 2;

  public static final int UMOUNT_NOFOLLOW = 8;

  /** What {@code mount(2)} copies of its data: a page, NUL included. */
  private static final int PAGE = 4096;

  private static final Map<String, Long> FLAGS =
      Map.ofEntries(
          Map.entry("ro", MS_RDONLY),
          Map.entry("nosuid", MS_NOSUID),
          Map.entry("nodev", MS_NODEV),
          Map.entry("noexec", MS_NOEXEC),
          Map.entry("noatime", MS_NOATIME),
          Map.entry("relatime", MS_RELATIME),
          Map.entry("strictatime", MS_STRICTATIME),
          Map.entry("remount", MS_REMOUNT),
          Map.entry("bind", MS_BIND),
          Map.entry("rbind", MS_BIND | MS_REC),
          Map.entry("private", MS_PRIVATE),
          Map.entry("rprivate", MS_PRIVATE | MS_REC),
          Map.entry("slave", MS_SLAVE),
          Map.entry("rslave", MS_SLAVE | MS_REC),
          Map.entry("shared", MS_SHARED),
          Map.entry("rshared", MS_SHARED | MS_REC));

  private static final long BEHAVIOUR = MS_PRIVATE | MS_SLAVE | MS_SHARED;

  private static final int FSCONFIG_SET_FLAG = 0;
  private static final int FSCONFIG_SET_STRING = 1;
  private static final int FSCONFIG_CMD_CREATE = 6;
  private static final int CLOEXEC = 1;
  private static final int MOVE_MOUNT_F_EMPTY_PATH = 4;
  private static final int AT_FDCWD = -100;

  private Mounts() {}

  /**
   * Mounts {@code what} at {@code target} (a directory, or a file for a bind of one). A read-only
   * bind takes a second call, as the kernel wants it.
   */
  public static void mount(Mount what, Path target) throws SyscallException {
    long flags = 0;
    var data = new ArrayList<String>();
    for (String option : what.options()) {
      Long flag = FLAGS.get(option);
      if (flag != null) {
        flags |= flag;
      } else if (!option.equals("rw") && !option.equals("defaults")) {
        data.add(option);
      }
    }
    boolean bind = (flags & MS_BIND) != 0;
    long behaviour = flags & BEHAVIOUR;
    flags &= ~BEHAVIOUR;
    if (bind) {
      mount(what.source(), target, "", flags & (MS_BIND | MS_REC), "");
      long rest = flags & ~(MS_BIND | MS_REC);
      if (rest != 0) {
        try {
          mount("", target, "", rest | MS_BIND | MS_REMOUNT, "");
        } catch (SyscallException e) {
          unmount(target, MNT_DETACH);
          throw e;
        }
      }
    } else {
      String text = String.join(",", data);
      if (what.type().equals("overlay") && text.getBytes(StandardCharsets.UTF_8).length >= PAGE) {
        mountByContext(what, data, flags, target);
      } else {
        mount(what.source(), target, what.type(), flags, text);
      }
    }
    if (behaviour != 0) {
      mount("", target, "", behaviour | (flags & MS_REC), "");
    }
  }

  /** {@code mount(2)} as it is; empty strings are passed as null. */
  public static void mount(String source, Path target, String type, long flags, String data)
      throws SyscallException {
    try (var s = Scratch.take()) {
      long r =
          s.call(
              Sysno.MOUNT,
              source.isEmpty() ? 0 : s.pathA(BytePath.of(source)),
              s.pathB(BytePath.of(target)),
              string(s, 0, type),
              flags,
              string(s, PAGE, data),
              0);
      Libc.check(Sysno.MOUNT, target, r);
    }
  }

  private static long string(Scratch s, int at, String text) {
    if (text.isEmpty()) {
      return 0;
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    MemorySegment.copy(bytes, 0, s.buffer, ValueLayout.JAVA_BYTE, at, bytes.length);
    s.buffer.set(ValueLayout.JAVA_BYTE, at + (long) bytes.length, (byte) 0);
    return s.buffer.address() + at;
  }

  private static void mountByContext(Mount what, List<String> data, long flags, Path target)
      throws SyscallException {
    try (Fd context = fsopen(what.type())) {
      for (String option : data) {
        int equal = option.indexOf('=');
        String key = equal < 0 ? option : option.substring(0, equal);
        String value = equal < 0 ? "" : option.substring(equal + 1);
        if (key.equals("lowerdir")) {
          for (String lower : value.split(":", -1)) {
            fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", lower);
          }
        } else if (equal < 0) {
          fsconfig(context, FSCONFIG_SET_FLAG, key, "");
        } else {
          fsconfig(context, FSCONFIG_SET_STRING, key, value);
        }
      }
      if ((flags & MS_RDONLY) != 0) {
        fsconfig(context, FSCONFIG_SET_FLAG, "ro", "");
      }
      if (!what.source().isEmpty()) {
        fsconfig(context, FSCONFIG_SET_STRING, "source", what.source());
      }
      fsconfig(context, FSCONFIG_CMD_CREATE, "", "");
      try (Fd mounted =
          new Fd(
              (int) Libc.call(Sysno.FSMOUNT, target, context.number(), CLOEXEC, attributes(flags)),
              target.toString())) {
        moveMount(mounted, target);
      }
    }
  }

  private static long attributes(long flags) {
    // MOUNT_ATTR_RDONLY, NOSUID, NODEV, NOEXEC of linux/mount.h are the MS_ bits of that meaning
    return flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
  }

  /** A new file system context; the caller closes it. */
  private static Fd fsopen(String type) throws SyscallException {
    try (var s = Scratch.take()) {
      long r = s.call(Sysno.FSOPEN, s.pathA(BytePath.of(type)), CLOEXEC, 0, 0, 0, 0);
      return new Fd((int) Libc.check(Sysno.FSOPEN, type, r), type);
    }
  }

  private static void fsconfig(Fd context, int command, String key, String value)
      throws SyscallException {
    try (var s = Scratch.take()) {
      long r =
          s.call(
              Sysno.FSCONFIG,
              context.number(),
              command,
              key.isEmpty() ? 0 : s.pathA(BytePath.of(key)),
              value.isEmpty() ? 0 : s.pathB(BytePath.of(value)),
              0,
              0);
      if (r < 0) {
        throw new SyscallException("fsconfig", key + "=" + value, (int) -r, log(context));
      }
    }
  }

  private static String log(Fd context) {
    byte[] text = new byte[1024];
    try {
      int n = context.read(text, 0, text.length);
      return n <= 0 ? "" : new String(text, 0, n, StandardCharsets.UTF_8).strip();
    } catch (SyscallException e) {
      return ""; // no message is queued
    }
  }

  /** Puts a detached mount in its place. */
  private static void moveMount(Fd mounted, Path target) throws SyscallException {
    try (var s = Scratch.take()) {
      long r =
          s.call(
              Sysno.MOVE_MOUNT,
              mounted.number(),
              s.pathA(BytePath.EMPTY),
              AT_FDCWD,
              s.pathB(BytePath.of(target)),
              MOVE_MOUNT_F_EMPTY_PATH,
              0);
      Libc.check(Sysno.MOVE_MOUNT, target, r);
    }
  }

  /**
   * Clones what is mounted at {@code source} as a detached mount ({@code open_tree(2)}); it lives
   * until the descriptor is closed, unless {@link #attach} places it.
   */
  public static Fd clone(Path source, boolean recursive) throws SyscallException {
    try (var s = Scratch.take()) {
      int flags = 1 | Open.CLOEXEC | (recursive ? 0x8000 : 0);
      long r = s.call(Sysno.OPEN_TREE, AT_FDCWD, s.pathA(BytePath.of(source)), flags, 0, 0, 0);
      return new Fd((int) Libc.check(Sysno.OPEN_TREE, source, r), source.toString());
    }
  }

  /** Places a detached mount at {@code target}. */
  public static void attach(Fd detached, Path target) throws SyscallException {
    moveMount(detached, target);
  }

  /**
   * {@code umount2(2)}.
   *
   * @param flags {@link #MNT_DETACH}, {@link #UMOUNT_NOFOLLOW}
   */
  public static void unmount(Path target, int flags) throws SyscallException {
    try (var s = Scratch.take()) {
      long r = s.call(Sysno.UMOUNT2, s.pathA(BytePath.of(target)), flags, 0, 0, 0, 0);
      Libc.check(Sysno.UMOUNT2, target, r);
    }
  }

  /** Unmounts what may be mounted there, as often as something is; nothing mounted is fine. */
  public static void unmountAll(Path target) throws SyscallException {
    while (true) {
      try {
        unmount(target, MNT_DETACH | UMOUNT_NOFOLLOW);
      } catch (SyscallException e) {
        if (e.errno() == Errno.EINVAL || e.errno() == Errno.ENOENT) {
          return;
        }
        throw e;
      }
    }
  }
}
