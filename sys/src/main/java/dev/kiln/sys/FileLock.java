package dev.kiln.sys;

import java.nio.file.Path;
import java.util.Optional;

/**
 * An exclusive {@code flock(2)} on a file, which ends with the process whatever happens to it. Who
 * took it closes it.
 */
public final class FileLock implements AutoCloseable {
  private static final int LOCK_EX = 2;
  private static final int LOCK_NB = 4;
  private final Fd fd;

  private FileLock(Fd fd) {
    this.fd = fd;
  }

  /** Takes the lock, making the file if need be; empty where another process holds it. */
  public static Optional<FileLock> tryLock(Path file) throws SyscallException {
    try {
      return Optional.of(flock(file, LOCK_EX | LOCK_NB));
    } catch (SyscallException e) {
      if (e.errno() == Errno.EAGAIN) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Takes the lock, making the file if need be; waits for who holds it (platform threads). */
  public static FileLock lock(Path file) throws SyscallException {
    return flock(file, LOCK_EX);
  }

  /** Takes the lock of a folder, which leaves no file; waits for who holds it. */
  public static FileLock ofFolder(Path folder) throws SyscallException {
    return flock(Fd.directory(folder), folder, LOCK_EX);
  }

  private static FileLock flock(Path file, int operation) throws SyscallException {
    return flock(Fd.CWD.open(BytePath.of(file), Open.RDWR | Open.CREAT, 0600), file, operation);
  }

  private static FileLock flock(Fd fd, Path file, int operation) throws SyscallException {
    try {
      Libc.call(Sysno.FLOCK, file, fd.number(), operation, 0);
      return new FileLock(fd);
    } catch (SyscallException e) {
      fd.close();
      throw e;
    }
  }

  @Override
  public void close() {
    fd.close();
  }
}
