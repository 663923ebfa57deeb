package dev.kiln.sys;

/** Copies a file's bytes in the kernel. */
final class FileCopy {
  private static final int FICLONE = 0x40049409;
  private static final long CHUNK = 1L << 30;

  private FileCopy() {}

  static void copy(Fd from, Fd to) throws SyscallException {
    try {
      Libc.call(Sysno.IOCTL, to.about(), to.number(), FICLONE, from.number());
      return;
    } catch (SyscallException e) {
      // no reflinks between these two: copy
    }
    from.seek(0);
    long done = 0;
    try {
      while (true) {
        long n;
        try (var s = Libc.Scratch.take()) {
          n =
              Libc.check(
                  Sysno.COPY_FILE_RANGE,
                  to.about(),
                  s.call(Sysno.COPY_FILE_RANGE, from.number(), 0, to.number(), 0, CHUNK, 0));
        }
        if (n == 0) {
          break;
        }
        done += n;
      }
    } catch (SyscallException e) {
      boolean impossible =
          e.errno() == Errno.EXDEV
              || e.errno() == Errno.EINVAL
              || e.errno() == Errno.EOPNOTSUPP
              || e.errno() == Errno.ENOSYS;
      if (!impossible || done > 0) {
        throw e;
      }
    }
    if (done == 0) { // also for files of /proc and alike, whose size reads as 0
      byte[] buffer = new byte[Libc.Scratch.BUFFER_BYTES];
      for (int n; (n = from.read(buffer, 0, buffer.length)) > 0; ) {
        to.write(buffer, 0, n);
      }
    }
  }
}
