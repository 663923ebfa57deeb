package dev.kiln.sys;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes small files. A failure names the file: the JDK does so where a file cannot be opened, not
 * where it cannot be written, as on a full disk. Any thread; blocks.
 */
public final class WholeFiles {
  private WholeFiles() {}

  /** Makes or replaces {@code file}; returns it. */
  public static Path write(Path file, byte[] bytes) throws IOException {
    try {
      return Files.write(file, bytes);
    } catch (IOException e) {
      throw named(file, e);
    }
  }

  /** The same with text, in UTF-8. */
  public static Path write(Path file, String text) throws IOException {
    return write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /** A failure to write {@code file}, with its name; an interrupt stays one. */
  public static IOException named(Path file, IOException failure) {
    return failure instanceof ClosedChannelException
            || String.valueOf(failure.getMessage()).contains(file.toString())
        ? failure
        : new IOException("write " + file + ": " + failure.getMessage(), failure);
  }
}
