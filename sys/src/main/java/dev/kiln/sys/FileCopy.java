package dev.kiln.sys;

/** Copies a file's bytes in the kernel, which shares them where the file system can. */
final class FileCopy {
  private static final long CHUNK = 1L << 28;

  private FileCopy() {}

  static void copy(Fd from, Fd to, long sizeBytes) throws SyscallException {
    long done = 0;
    try (var s = Libc.Scratch.take()) {
      do {
        stopIfInterrupted(to);
        long n = s.call(Sysno.COPY_FILE_RANGE, from.number(), 0, to.number(), 0, CHUNK, 0);
        if (done == 0 && isImpossible((int) -n)) {
          break;
        }
        Libc.check(Sysno.COPY_FILE_RANGE, to.about(), n);
        if (n == 0) {
          break;
        }
        done += n;
      } while (done < sizeBytes);
    }
    if (done == 0) { // also for files of /proc and alike, whose size reads as 0
      byte[] buffer = new byte[Libc.Scratch.BUFFER_BYTES];
      for (int n; (n = from.read(buffer, 0, buffer.length)) > 0; ) {
        stopIfInterrupted(to);
        to.write(buffer, 0, n);
      }
    }
  }

  /** A sparse file may have exabytes: whoever gave up must not wait for them. */
  private static void stopIfInterrupted(Fd to) throws SyscallException {
    if (Thread.currentThread().isInterrupted()) {
      throw new SyscallException("copy_file_range", to.about(), Errno.ECANCELED);
    }
  }

  /** Whether the two files are such that the kernel never copies between them. */
  private static boolean isImpossible(int errno) {
    return errno == Errno.EXDEV
        || errno == Errno.EINVAL
        || errno == Errno.EOPNOTSUPP
        || errno == Errno.ENOSYS;
  }
}
