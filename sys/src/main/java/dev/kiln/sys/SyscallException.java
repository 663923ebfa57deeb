package dev.kiln.sys;

import java.io.IOException;

/**
 * The kernel refused a call. The message names the call, the path and the reason in the words that
 * clients of build daemons know, such as {@code mkdirat /a/b: no such file or directory}.
 */
public final class SyscallException extends IOException {
  private static final long serialVersionUID = 1L;
  private final String call;
  private final String path;
  private final int errno;

  public SyscallException(String call, String path, int errno) {
    this(call, path, errno, "");
  }

  /**
   * @param more what the kernel said besides the errno (the log of a mount context); may be empty
   */
  SyscallException(String call, String path, int errno, String more) {
    super(
        call
            + (path.isEmpty() ? "" : " " + path)
            + ": "
            + Errno.text(errno)
            + (more.isEmpty() ? "" : " (" + more + ")"));
    this.call = call;
    this.path = path;
    this.errno = errno;
  }

  public String call() {
    return call;
  }

  /** What the call was about; empty where that is no path. */
  public String path() {
    return path;
  }

  /** The number, one of {@link Errno}. */
  public int errno() {
    return errno;
  }

  /** The reason alone, such as {@code no such file or directory}. */
  public String reason() {
    return Errno.text(errno);
  }
}
