package dev.kiln.store.records;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.util.List;

/** A database file that SQLite cannot make sense of. */
public final class DamagedFile {
  private static final int CORRUPT = 11;
  private static final int NOTADB = 26;

  private DamagedFile() {}

  /** Whether {@code failure} says so, not that a disk is full or fails: then the file is good. */
  public static boolean is(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof SQLException sql
          && (sql.getErrorCode() == CORRUPT || sql.getErrorCode() == NOTADB)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Moves the file out of the way, with the log of its writes. Replaces what was set aside before.
   *
   * @return where it is now
   */
  public static Path setAside(Path file) throws IOException {
    Path aside = file.resolveSibling(file.getFileName() + ".bak");
    for (String part : List.of("", "-wal", "-shm")) {
      Path from = file.resolveSibling(file.getFileName() + part);
      Path to = aside.resolveSibling(aside.getFileName() + part);
      Files.deleteIfExists(to);
      if (Files.exists(from)) {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
      }
    }
    return aside;
  }
}
