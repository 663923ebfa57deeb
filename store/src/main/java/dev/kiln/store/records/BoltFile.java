package dev.kiln.store.records;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * Knows databases of bbolt, which buildkitd and containerd keep their state in: after the header of
 * a page, of 16 bytes, a number in the machine's order (go.etcd.io/bbolt v1.4 {@code
 * internal/common}). Stateless.
 */
public final class BoltFile {
  private static final int OFFSET = 16;
  private static final int MAGIC = 0xED0CDAED;

  private BoltFile() {}

  /** Whether a file is one; what cannot be read, or is no file, is none. */
  public static boolean is(Path file) {
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    try (InputStream in = Files.newInputStream(file)) {
      return isHeader(in.readNBytes(OFFSET + Integer.BYTES));
    } catch (IOException e) {
      return false;
    }
  }

  static boolean isHeader(byte[] start) {
    return start.length >= OFFSET + Integer.BYTES
        && ByteBuffer.wrap(start).order(ByteOrder.nativeOrder()).getInt(OFFSET) == MAGIC;
  }
}
