package dev.kiln.store.snapshot;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Descent;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.util.ArrayDeque;
import java.util.Iterator;

/**
 * How a layer directory says what is gone. Source: the kernel's {@code
 * Documentation/filesystems/overlayfs.rst}, "whiteouts and opaque directories". Any thread.
 */
public final class LayerFormat {
  private static final String PREFIX = "trusted.overlay.";
  private static final String OPAQUE = PREFIX + "opaque";
  private static final String ORIGIN = PREFIX + "origin";
  private static final byte[] YES = {'y'};

  private LayerFormat() {}

  /**
   * Marks {@code name} of an open directory as deleted. The directory is marked as one that was
   * below, too: the kernel looks for deletions in a directory of a single layer only then, and the
   * layer may be merged onto others that do not have the directory.
   */
  public static void whiteout(Fd directory, BytePath name) throws SyscallException {
    directory.mknod(name, Stat.S_IFCHR, Stat.Device.NONE);
    if (Xattrs.get(directory, ORIGIN).isEmpty()) {
      Xattrs.set(directory, ORIGIN, new byte[0]); // "copied up, from where is not known"
    }
  }

  /** As {@link #whiteout(Fd, BytePath)}, of an absolute path. */
  public static void whiteout(BytePath path) throws SyscallException {
    try (Fd dir = Fd.CWD.openDirectory(path.parent())) {
      whiteout(dir, path.name());
    }
  }

  /** Whether something in the directory, or below it, is marked as deleted. */
  static boolean hasWhiteout(Fd directory) throws SyscallException {
    try (var at = new Descent(directory)) {
      var way = new ArrayDeque<Iterator<Dirent>>();
      way.push(directory.list().iterator());
      while (!way.isEmpty()) {
        if (!way.element().hasNext()) {
          way.pop();
          if (!way.isEmpty()) {
            at.leave();
          }
          continue;
        }
        Dirent entry = way.element().next();
        if (entry.isDirectory()) {
          at.enter(entry.name());
          way.push(at.here().list().iterator());
        } else if (entry.type() == Stat.S_IFCHR && at.here().stat(entry.name()).isWhiteout()) {
          return true;
        }
      }
      return false;
    }
  }

  /** Hides what is below an absolute directory. */
  public static void makeOpaque(BytePath directory) throws SyscallException {
    Xattrs.set(directory, OPAQUE, YES);
  }

  public static void unmakeOpaque(BytePath directory) throws SyscallException {
    Xattrs.remove(directory, OPAQUE);
  }

  public static boolean isOpaque(BytePath directory) throws SyscallException {
    return Xattrs.get(directory, OPAQUE)
        .filter(value -> value.length == 1 && value[0] == 'y')
        .isPresent();
  }

  /**
   * Whether the kernel copied the file up from below, so that it may be the same as there. Files
   * made new have no origin.
   */
  public static boolean isCopiedUp(BytePath file) throws SyscallException {
    return Xattrs.get(file, ORIGIN).isPresent();
  }

  /** Whether an attribute belongs to the format and not to the file. */
  public static boolean isInternal(String xattr) {
    return xattr.startsWith(PREFIX);
  }

  /** Whether the failure means that a name is not there. */
  public static boolean isAbsent(SyscallException e) {
    return e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR;
  }
}
