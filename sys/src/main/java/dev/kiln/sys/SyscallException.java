package dev.kiln.sys;

import java.io.IOException;

/**
 * The kernel refused a call. The message names the call, the path and the reason in the words that
 * clients of build daemons know, such as {@code mkdirat /a/b: no such file or directory}.
 */
public final class SyscallException extends IOException {
  private static final long serialVersionUID = 1L;
  private static final int SHOWN_CHARS = 1000;
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
            + (path.isEmpty() ? "" : " " + shown(path))
            + ": "
            + Errno.text(errno)
            + (more.isEmpty() ? "" : " (" + more + ")"));
    this.call = call;
    this.path = shown(path);
    this.errno = errno;
  }

  /** A path that fills a screen is told by its beginning and its end. */
  private static String shown(String path) {
    return path.length() <= SHOWN_CHARS
        ? path
        : path.substring(0, SHOWN_CHARS / 2)
            + "\u2026"
            + path.substring(path.length() - SHOWN_CHARS / 2);
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
