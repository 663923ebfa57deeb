package dev.kiln.sys;

import java.io.IOException;

/**
 * A file that a build, an image or a client made is not read or written: it is no regular file, or
 * has more than is taken of it. The message names the file, whose tree it lies in, and the limit.
 */
public final class RefusedFileException extends IOException {
  private static final long serialVersionUID = 1L;
  private final String path;
  private final String why;

  RefusedFileException(String path, String why) {
    super(path + why);
    this.path = path;
    this.why = why;
  }

  /** The file: inside the tree where it was opened by its path in it, else on this machine. */
  public String path() {
    return path;
  }

  /** What follows the path in the message. */
  public String why() {
    return why;
  }
}
