package dev.kiln.sys;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Function;

/**
 * The one door through which files are read that builds, images and clients made: {@link Fd} opens
 * no file for reading but here. A path is resolved inside the tree's root. The file is looked at
 * before it is opened, so that a device does not notice; only a regular one is opened, and without
 * waiting. The caller says how much is taken; more is refused, never cut. Any thread; the root is
 * the caller's to close.
 */
public final class BuiltFiles {
  private static final int READ = Open.RDONLY | Open.NOFOLLOW | Open.NONBLOCK | Open.NOCTTY;

  private final Fd root;
  private final String owner;

  /**
   * What is taken of a file that is read line by line.
   *
   * @param lineBytes of one line, without its end
   */
  public record Limit(int fileBytes, int lineBytes) {
    /** Of {@code /etc/passwd} and {@code /etc/group}. */
    public static final Limit ACCOUNTS = new Limit(8 << 20, 1 << 20);
  }

  private BuiltFiles(Fd root, String owner) {
    this.root = root;
    this.owner = owner;
  }

  /**
   * @param owner whose tree it is, as messages are to say it: "the step's root"
   */
  public static BuiltFiles in(Fd root, String owner) {
    return new BuiltFiles(root, owner);
  }

  /**
   * Opens a regular file for reading; symlinks are followed inside the root. The caller closes it.
   *
   * @throws RefusedFileException for anything but a regular file
   * @throws SyscallException where there is none, {@code EISDIR} for a directory
   */
  public Fd open(String path) throws IOException {
    try (Fd seen = root.openInRoot(BytePath.of(path), Open.PATH, 0)) {
      requireRegular(seen, path, " of " + owner, "read");
      return reopened(seen, Open.RDONLY);
    }
  }

  /**
   * Opens a regular file of an open directory for reading; the caller closes it.
   *
   * @param name a path whose directories are known to be no symlinks; the last name is none either
   */
  public static Fd open(Fd directory, BytePath name) throws IOException {
    try (Fd seen = directory.open(name, Open.PATH | Open.NOFOLLOW, 0)) {
      requireRegular(seen, directory.where(name), "", "read");
      return reopened(seen, Open.RDONLY);
    }
  }

  /**
   * Opens for reading what has been looked at already, in fewer calls; the caller closes it.
   *
   * @param seen a regular file
   * @throws SyscallException {@code ESTALE} where something else has taken its place
   */
  public static Fd open(Fd directory, BytePath name, Stat seen) throws SyscallException {
    if (!seen.isRegular()) {
      throw new IllegalArgumentException("no regular file: " + directory.where(name));
    }
    Fd file = directory.open(name, READ, 0);
    try {
      if (!file.stat().isRegular()) {
        throw new SyscallException("open", file.about(), Errno.ESTALE);
      }
      return file;
    } catch (SyscallException e) {
      file.close();
      throw e;
    }
  }

  /**
   * Opens a file of an open directory for writing it anew: made where there is none, emptied where
   * it is regular. The caller closes it.
   *
   * @throws RefusedFileException for anything else that has the name
   */
  public static Fd write(Fd directory, BytePath name, int mode) throws IOException {
    try {
      return directory.create(name, mode);
    } catch (SyscallException e) {
      if (e.errno() != Errno.EEXIST) {
        throw e;
      }
    }
    try (Fd seen = directory.open(name, Open.PATH | Open.NOFOLLOW, 0)) {
      requireRegular(seen, directory.where(name), "", "written");
      return reopened(seen, Open.WRONLY | Open.TRUNC);
    }
  }

  /** The same file, and no other that has come to its name since. */
  private static Fd reopened(Fd seen, int access) throws SyscallException {
    int flags = access | Open.NONBLOCK | Open.NOCTTY;
    return Fd.CWD.open(BytePath.of(seen.procPath()), flags, 0, seen.about());
  }

  /**
   * All bytes of a file.
   *
   * @throws RefusedFileException also for more than {@code limitBytes}
   */
  public byte[] read(String path, int limitBytes) throws IOException {
    try (Fd file = open(path)) {
      long size = file.stat().sizeBytes();
      if (size > limitBytes) {
        throw tooLarge(path, limitBytes);
      }
      byte[] bytes = new byte[(int) size + 1]; // one more tells that it grows
      int got = 0;
      for (int n; (n = file.read(bytes, got, bytes.length - got)) > 0; ) {
        got += n;
        if (got == bytes.length) {
          if (got > limitBytes) {
            throw tooLarge(path, limitBytes);
          }
          bytes = Arrays.copyOf(bytes, (int) Math.min(2L * got, limitBytes + 1L));
        }
      }
      return Arrays.copyOf(bytes, got);
    }
  }

  /**
   * What {@code wanted} makes of the first line that it wants; empty where it wants none. Lines are
   * UTF-8 without their ends, and the file is never held whole.
   */
  public <T> Optional<T> find(String path, Limit limit, Function<String, Optional<T>> wanted)
      throws IOException {
    try (Fd file = open(path)) {
      var line = new ByteArrayOutputStream();
      byte[] buffer = new byte[1 << 16];
      long number = 1;
      int total = 0;
      for (int n; (n = file.read(buffer, 0, buffer.length)) > 0; ) {
        if (n > limit.fileBytes() - total) {
          throw tooLarge(path, limit.fileBytes());
        }
        total += n;
        for (int from = 0, at = 0; at <= n; at++) {
          boolean end = at < n && buffer[at] == '\n';
          if (!end && at < n) {
            continue;
          }
          if (at - from > limit.lineBytes() - line.size()) {
            throw tooLong(path, number, limit.lineBytes());
          }
          line.write(buffer, from, at - from);
          from = at + 1;
          if (end) {
            Optional<T> found = wanted.apply(line.toString(StandardCharsets.UTF_8));
            if (found.isPresent()) {
              return found;
            }
            line.reset();
            number++;
          }
        }
      }
      return line.size() == 0
          ? Optional.empty()
          : wanted.apply(line.toString(StandardCharsets.UTF_8));
    }
  }

  private RefusedFileException tooLarge(String path, long limitBytes) {
    return new RefusedFileException(
        path, " of " + owner + " has more than " + limitBytes + " bytes, the most that is read");
  }

  private RefusedFileException tooLong(String path, long line, int limitBytes) {
    return new RefusedFileException(
        path,
        " of "
            + owner
            + ": line "
            + line
            + " has more than "
            + limitBytes
            + " bytes, the most that is read");
  }

  private static void requireRegular(Fd seen, String path, String of, String what)
      throws IOException {
    Stat stat = seen.stat();
    if (stat.isDirectory()) {
      throw new SyscallException("open", path, Errno.EISDIR);
    }
    if (!stat.isRegular()) {
      throw new RefusedFileException(
          path, of + " is " + kind(stat) + ": only a regular file is " + what);
    }
  }

  private static String kind(Stat stat) {
    return switch (stat.type()) {
      case Stat.S_IFLNK -> "a symlink";
      case Stat.S_IFIFO -> "a fifo";
      case Stat.S_IFSOCK -> "a socket";
      case Stat.S_IFCHR, Stat.S_IFBLK -> "a device";
      default -> "no file";
    };
  }
}
