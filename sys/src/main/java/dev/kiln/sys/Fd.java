package dev.kiln.sys;

import dev.kiln.sys.Libc.Scratch;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An open file descriptor and the calls that work on it. Names given to the {@code *at} calls are
 * relative to it where it is a directory; {@link #CWD} takes absolute paths. Final symlinks are
 * never followed unless a method says so. Any thread, but positions are shared; whoever opened it
 * closes it. Every descriptor is close-on-exec.
 */
public final class Fd implements AutoCloseable {
  private static final int AT_FDCWD = -100;
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int AT_REMOVEDIR = 0x200;
  private static final int AT_EMPTY_PATH = 0x1000;
  private static final int STATX_BASIC = 0x7ff;
  private static final long WITHOUT_LINKS =
      Open.RESOLVE_IN_ROOT | Open.RESOLVE_NO_SYMLINKS | Open.RESOLVE_NO_MAGICLINKS;

  /** Longer paths are cut in what is said of them: they grow with each level of a tree. */
  private static final int ABOUT_CHARS = 4096;

  /** Stands for the working directory, to which absolute paths are indifferent. */
  public static final Fd CWD = new Fd(AT_FDCWD, "");

  public static final int RENAME_NOREPLACE = 1;
  public static final int RENAME_EXCHANGE = 2;

  private final int number;
  private final String about;
  private final AtomicBoolean closed = new AtomicBoolean();

  Fd(int number, String about) {
    this.number = number;
    this.about = about;
  }

  /** Opens an absolute directory for {@code *at} calls and listing. */
  public static Fd directory(Path path) throws SyscallException {
    return CWD.open(BytePath.of(path), Open.RDONLY | Open.DIRECTORY, 0);
  }

  /** Opens a directory of this one; a symlink is refused. */
  public Fd openDirectory(BytePath name) throws SyscallException {
    return open(name, Open.RDONLY | Open.DIRECTORY | Open.NOFOLLOW, 0);
  }

  /** Opens the directory that {@code path} leads a process to whose root is this directory. */
  public Fd openDirectoryInRoot(BytePath path) throws SyscallException {
    return openInRoot(path, Open.RDONLY | Open.DIRECTORY, 0);
  }

  /**
   * Opens what {@code path} leads a process to whose root is this directory, of whatever type, but
   * not for reading or writing: the file itself does not notice.
   */
  public Fd openPathInRoot(BytePath path) throws SyscallException {
    return openInRoot(path, Open.PATH, 0);
  }

  /** Opens a directory inside this one; {@code ELOOP} where any name on the way is a symlink. */
  public Fd openDirectoryWithoutLinks(BytePath path) throws SyscallException {
    return open2(path, Open.RDONLY | Open.DIRECTORY, 0, WITHOUT_LINKS);
  }

  /** Whether {@code path} exists inside this directory and no name on the way is a symlink. */
  public boolean existsWithoutLinks(BytePath path) {
    try (Fd _ = open2(path, Open.PATH, 0, WITHOUT_LINKS)) {
      return true;
    } catch (SyscallException e) {
      return false;
    }
  }

  /** Makes a file, to be written; {@code EEXIST} where the name is taken, by a symlink too. */
  public Fd create(BytePath name, int mode) throws SyscallException {
    return open(name, Open.WRONLY | Open.CREAT | Open.EXCL | Open.NOFOLLOW, mode);
  }

  /**
   * Opens by {@code openat(2)}; follows symlinks unless {@link Open#NOFOLLOW} is among the flags.
   * Of this package alone: files of builds are read through {@link BuiltFiles}.
   */
  Fd open(BytePath name, int flags, int mode) throws SyscallException {
    return open(name, flags, mode, where(name));
  }

  /** As {@link #open(BytePath, int, int)}, with a name for messages. */
  Fd open(BytePath name, int flags, int mode, String about) throws SyscallException {
    try (var s = Scratch.take()) {
      long fd = s.call(Sysno.OPENAT, number(), s.pathA(name), flags | Open.CLOEXEC, mode, 0, 0);
      return new Fd((int) Libc.check(Sysno.OPENAT, about, fd), about);
    }
  }

  /**
   * Opens by {@code openat2(2)}.
   *
   * @param resolve {@link Open}{@code .RESOLVE_*}
   */
  Fd open2(BytePath name, int flags, int mode, long resolve) throws SyscallException {
    try (var s = Scratch.take()) {
      s.buffer.set(ValueLayout.JAVA_LONG, 0, (flags | Open.CLOEXEC) & 0xffffffffL);
      s.buffer.set(ValueLayout.JAVA_LONG, 8, mode);
      s.buffer.set(ValueLayout.JAVA_LONG, 16, resolve);
      long fd;
      do { // a rename elsewhere can make the kernel ask for another try
        fd = s.call(Sysno.OPENAT2, number(), s.pathA(name), s.buffer.address(), 24, 0, 0);
      } while (fd == -Errno.EAGAIN);
      return new Fd((int) Libc.check(Sysno.OPENAT2, where(name), fd), where(name));
    }
  }

  /** Opens {@code name} as a process whose root is this directory would, without magic links. */
  Fd openInRoot(BytePath name, int flags, int mode) throws SyscallException {
    return open2(
        name.isEmpty() ? BytePath.of(".") : name,
        flags,
        mode,
        Open.RESOLVE_IN_ROOT | Open.RESOLVE_NO_MAGICLINKS);
  }

  public void mkdir(BytePath name, int mode) throws SyscallException {
    try (var s = Scratch.take()) {
      Libc.check(
          Sysno.MKDIRAT,
          where(name),
          s.call(Sysno.MKDIRAT, number(), s.pathA(name), mode, 0, 0, 0));
    }
  }

  /**
   * @param mode type ({@code Stat.S_IF*}) and permissions
   */
  public void mknod(BytePath name, int mode, Stat.Device device) throws SyscallException {
    try (var s = Scratch.take()) {
      Libc.check(
          Sysno.MKNODAT,
          where(name),
          s.call(Sysno.MKNODAT, number(), s.pathA(name), mode, device.encoded(), 0, 0));
    }
  }

  public void symlink(BytePath target, BytePath name) throws SyscallException {
    try (var s = Scratch.take()) {
      Libc.check(
          Sysno.SYMLINKAT,
          where(name),
          s.call(Sysno.SYMLINKAT, s.pathA(target), number(), s.pathB(name), 0, 0, 0));
    }
  }

  /** Makes {@code toDir/toName} a hard link to {@code name}, which may be a symlink. */
  public void link(BytePath name, Fd toDir, BytePath toName) throws SyscallException {
    try (var s = Scratch.take()) {
      Libc.check(
          Sysno.LINKAT,
          toDir.where(toName),
          s.call(Sysno.LINKAT, number(), s.pathA(name), toDir.number(), s.pathB(toName), 0, 0));
    }
  }

  public void unlink(BytePath name) throws SyscallException {
    unlink(name, 0);
  }

  public void rmdir(BytePath name) throws SyscallException {
    unlink(name, AT_REMOVEDIR);
  }

  private void unlink(BytePath name, int flags) throws SyscallException {
    try (var s = Scratch.take()) {
      Libc.check(
          Sysno.UNLINKAT,
          where(name),
          s.call(Sysno.UNLINKAT, number(), s.pathA(name), flags, 0, 0, 0));
    }
  }

  /**
   * @param flags {@link #RENAME_NOREPLACE}, {@link #RENAME_EXCHANGE} or 0
   */
  public void rename(BytePath name, Fd toDir, BytePath toName, int flags) throws SyscallException {
    try (var s = Scratch.take()) {
      Libc.check(
          Sysno.RENAMEAT2,
          where(name),
          s.call(
              Sysno.RENAMEAT2, number(), s.pathA(name), toDir.number(), s.pathB(toName), flags, 0));
    }
  }

  public BytePath readlink(BytePath name) throws SyscallException {
    try (var s = Scratch.take()) {
      long n =
          s.call(
              Sysno.READLINKAT,
              number(),
              s.pathA(name),
              s.buffer.address(),
              Scratch.PATH_BYTES,
              0,
              0);
      int length = (int) Libc.check(Sysno.READLINKAT, where(name), n);
      return BytePath.trusted(s.buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
    }
  }

  public void chown(BytePath name, int uid, int gid) throws SyscallException {
    try (var s = Scratch.take()) {
      Libc.check(
          Sysno.FCHOWNAT,
          where(name),
          s.call(Sysno.FCHOWNAT, number(), s.pathA(name), uid, gid, AT_SYMLINK_NOFOLLOW, 0));
    }
  }

  /** Sets permissions; follows a symlink, which has none of its own. */
  public void chmod(BytePath name, int mode) throws SyscallException {
    try (var s = Scratch.take()) {
      Libc.check(
          Sysno.FCHMODAT,
          where(name),
          s.call(Sysno.FCHMODAT, number(), s.pathA(name), mode, 0, 0, 0));
    }
  }

  /** Sets access and modification time to one instant; seconds may be negative. */
  public void utimes(BytePath name, long seconds, int nanos) throws SyscallException {
    try (var s = Scratch.take()) {
      long times = times(s, seconds, nanos);
      Libc.check(
          Sysno.UTIMENSAT,
          where(name),
          s.call(Sysno.UTIMENSAT, number(), s.pathA(name), times, AT_SYMLINK_NOFOLLOW, 0, 0));
    }
  }

  private static long times(Scratch s, long seconds, int nanos) {
    for (int i = 0; i < 2; i++) {
      s.buffer.set(ValueLayout.JAVA_LONG, 16L * i, seconds);
      s.buffer.set(ValueLayout.JAVA_LONG, 16L * i + 8, nanos);
    }
    return s.buffer.address();
  }

  /** {@link #chown}, {@link #chmod} and {@link #utimes} of this descriptor's own file. */
  public void chown(int uid, int gid) throws SyscallException {
    Libc.call(Sysno.FCHOWN, about, number(), uid, gid);
  }

  public void chmod(int mode) throws SyscallException {
    Libc.call(Sysno.FCHMOD, about, number(), mode, 0);
  }

  public void utimes(long seconds, int nanos) throws SyscallException {
    try (var s = Scratch.take()) {
      long times = times(s, seconds, nanos);
      Libc.check(Sysno.UTIMENSAT, about, s.call(Sysno.UTIMENSAT, number(), 0, times, 0, 0, 0));
    }
  }

  /** {@code lstat} of a name. */
  public Stat stat(BytePath name) throws SyscallException {
    return statx(name, AT_SYMLINK_NOFOLLOW);
  }

  /** {@code stat} of a name: follows symlinks, on the host's terms. */
  public Stat statFollowing(BytePath name) throws SyscallException {
    return statx(name, 0);
  }

  /** The state of this descriptor's own file. */
  public Stat stat() throws SyscallException {
    return statx(BytePath.EMPTY, AT_EMPTY_PATH);
  }

  /** Whether {@code name} exists, a dangling symlink included. */
  public boolean exists(BytePath name) throws SyscallException {
    try {
      stat(name);
      return true;
    } catch (SyscallException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
        return false;
      }
      throw e;
    }
  }

  private Stat statx(BytePath name, int flags) throws SyscallException {
    try (var s = Scratch.take()) {
      MemorySegment b = s.buffer;
      long r = s.call(Sysno.STATX, number(), s.pathA(name), flags, STATX_BASIC, b.address(), 0);
      Libc.check(Sysno.STATX, name.isEmpty() ? about : where(name), r);
      // struct statx of linux/stat.h
      return new Stat(
          b.get(ValueLayout.JAVA_SHORT, 28) & 0xffff,
          b.get(ValueLayout.JAVA_INT, 20),
          b.get(ValueLayout.JAVA_INT, 24),
          b.get(ValueLayout.JAVA_INT, 16) & 0xffffffffL,
          b.get(ValueLayout.JAVA_LONG, 32),
          b.get(ValueLayout.JAVA_LONG, 40),
          b.get(ValueLayout.JAVA_LONG, 48),
          device(b, 128),
          device(b, 136),
          b.get(ValueLayout.JAVA_LONG, 112),
          b.get(ValueLayout.JAVA_INT, 120),
          b.get(ValueLayout.JAVA_LONG, 96),
          b.get(ValueLayout.JAVA_INT, 104));
    }
  }

  private static Stat.Device device(MemorySegment b, long offset) {
    int major = b.get(ValueLayout.JAVA_INT, offset);
    int minor = b.get(ValueLayout.JAVA_INT, offset + 4);
    return major == 0 && minor == 0 ? Stat.Device.NONE : new Stat.Device(major, minor);
  }

  /** Lists this directory from its start, without {@code .} and {@code ..}, sorted by bytes. */
  public java.util.List<Dirent> list() throws SyscallException {
    return Directories.list(this);
  }

  /** Reads up to {@code length} bytes at the position; -1 at the end. */
  public int read(byte[] to, int offset, int length) throws SyscallException {
    Objects.checkFromIndexSize(offset, length, to.length);
    if (length == 0) {
      return 0;
    }
    try (var s = Scratch.take()) {
      int want = Math.min(length, Scratch.BUFFER_BYTES);
      long n = s.call(Sysno.READ, number(), s.buffer.address(), want, 0, 0, 0);
      int got = (int) Libc.check(Sysno.READ, about, n);
      MemorySegment.copy(s.buffer, ValueLayout.JAVA_BYTE, 0, to, offset, got);
      return got == 0 ? -1 : got;
    }
  }

  /** Reads at a position of its own; -1 at the end. */
  public int read(byte[] to, int offset, int length, long position) throws SyscallException {
    Objects.checkFromIndexSize(offset, length, to.length);
    if (length == 0) {
      return 0;
    }
    try (var s = Scratch.take()) {
      int want = Math.min(length, Scratch.BUFFER_BYTES);
      long n = s.call(Sysno.PREAD64, number(), s.buffer.address(), want, position, 0, 0);
      int got = (int) Libc.check(Sysno.PREAD64, about, n);
      MemorySegment.copy(s.buffer, ValueLayout.JAVA_BYTE, 0, to, offset, got);
      return got == 0 ? -1 : got;
    }
  }

  /** Reads into a direct buffer without a copy; advances it; -1 at the end. */
  public int read(ByteBuffer direct) throws SyscallException {
    if (!direct.isDirect()) {
      throw new IllegalArgumentException("not a direct buffer");
    }
    if (!direct.hasRemaining()) {
      return 0;
    }
    try (var s = Scratch.take()) {
      var to = MemorySegment.ofBuffer(direct);
      long n = s.call(Sysno.READ, number(), to.address(), to.byteSize(), 0, 0, 0);
      int got = (int) Libc.check(Sysno.READ, about, n);
      direct.position(direct.position() + got);
      return got == 0 ? -1 : got;
    }
  }

  /** Writes all the bytes at the position. */
  public void write(byte[] from, int offset, int length) throws SyscallException {
    Objects.checkFromIndexSize(offset, length, from.length);
    try (var s = Scratch.take()) {
      for (int done = 0; done < length; ) {
        int some = Math.min(length - done, Scratch.BUFFER_BYTES);
        MemorySegment.copy(from, offset + done, s.buffer, ValueLayout.JAVA_BYTE, 0, some);
        done += write(s, s.buffer.address(), some);
      }
    }
  }

  /** Writes all that remains of a direct buffer, without a copy; advances it. */
  public void write(ByteBuffer direct) throws SyscallException {
    if (!direct.isDirect()) {
      throw new IllegalArgumentException("not a direct buffer");
    }
    try (var s = Scratch.take()) {
      while (direct.hasRemaining()) {
        var from = MemorySegment.ofBuffer(direct);
        direct.position(direct.position() + write(s, from.address(), from.byteSize()));
      }
    }
  }

  private int write(Scratch s, long address, long length) throws SyscallException {
    long n = s.call(Sysno.WRITE, number(), address, length, 0, 0, 0);
    return (int) Libc.check(Sysno.WRITE, about, n);
  }

  /** A stream that reads from the position; closing it closes this. */
  public InputStream input() {
    return new FdStreams.Input(this);
  }

  /** A stream that writes at the position, unbuffered; closing it closes this. */
  public OutputStream output() {
    return new FdStreams.Output(this);
  }

  /** Sets the position, counted from the start. */
  public void seek(long position) throws SyscallException {
    Libc.call(Sysno.LSEEK, about, number(), position, 0);
  }

  public void truncate(long sizeBytes) throws SyscallException {
    Libc.call(Sysno.FTRUNCATE, about, number(), sizeBytes, 0);
  }

  public void fsync() throws SyscallException {
    Libc.call(Sysno.FSYNC, about, number(), 0, 0);
  }

  public void fdatasync() throws SyscallException {
    Libc.call(Sysno.FDATASYNC, about, number(), 0, 0);
  }

  /** Writes out everything of the file system that holds this file. */
  public void syncfs() throws SyscallException {
    Libc.call(Sysno.SYNCFS, about, number(), 0, 0);
  }

  /**
   * Copies from here to there, each at its position: by reflink where the file system can, else
   * inside the kernel.
   *
   * @param sizeBytes what this file has left; it may be more or less in the end
   */
  public void copyTo(Fd to, long sizeBytes) throws SyscallException {
    FileCopy.copy(this, to, sizeBytes);
  }

  /** The descriptor's number, for the calls of this package and for {@code /proc/self/fd}. */
  public int number() {
    if (closed.get()) {
      throw new IllegalStateException("closed: " + about);
    }
    return number;
  }

  /** What was opened, for messages. */
  public String about() {
    return about;
  }

  /** The path under which other code (or a child's mount) can reach this file while it is open. */
  public Path procPath() {
    return Path.of("/proc/self/fd/" + number());
  }

  String where(BytePath name) {
    String text = name.toString();
    if (about.isEmpty() || text.startsWith("/")) {
      return text;
    }
    // a path of a deep tree is shown by its beginning and its end
    String above =
        about.length() > ABOUT_CHARS ? about.substring(0, ABOUT_CHARS / 4) + "/\u2026" : about;
    return above + "/" + text;
  }

  /** Closes the descriptor; does nothing the second time. */
  @Override
  public void close() {
    if (number >= 0 && closed.compareAndSet(false, true)) {
      try (var s = Scratch.take()) {
        s.call(Sysno.CLOSE, number, 0, 0, 0, 0, 0); // the number is free whatever it answers
      }
    }
  }

  @Override
  public String toString() {
    return "Fd[" + number + " " + about + "]";
  }
}
