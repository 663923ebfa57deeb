package dev.kiln.store.records;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/**
 * Why a disk takes nothing more. SQLite says "I/O error" of a quota that is used up as of a disk
 * that is broken (sqlite.org {@code os_unix.c}: only ENOSPC is told apart), so a few bytes are
 * written beside its file.
 */
enum DiskProbe {
  NO_SPACE,
  OVER_QUOTA,

  /** Anything else, or nothing: the bytes could be written. */
  OTHER;

  private static final int BYTES = 1 << 16;

  /** Leaves nothing behind. Blocks. */
  static DiskProbe beside(Path file) {
    Path probe = file.resolveSibling(file.getFileName() + ".probe");
    try {
      try (var out = FileChannel.open(probe, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        out.write(ByteBuffer.allocate(BYTES));
        out.force(false); // some are found to be full only then
      } finally {
        Files.deleteIfExists(probe);
      }
      return OTHER;
    } catch (IOException e) {
      String why = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
      return why.contains("quota exceeded")
          ? OVER_QUOTA
          : why.contains("no space left") ? NO_SPACE : OTHER;
    }
  }
}
