package dev.kiln.store.records;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** How the daemon opens SQLite files. */
public final class SqliteFile {
  private static final FileAttribute<?> OWNERS =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private SqliteFile() {}

  /**
   * Opens {@code file}, its owner's alone where it is new, with a log of its writes beside it.
   * Blocks. Who calls this closes the connection.
   *
   * @param schema statements that make what is missing (IF NOT EXISTS)
   * @throws SQLException if it cannot be made or is no database
   */
  public static Connection connect(Path file, List<String> schema) throws SQLException {
    make(file);
    Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
    try (Statement s = connection.createStatement()) {
      s.execute("PRAGMA journal_mode=WAL");
      s.execute("PRAGMA synchronous=NORMAL");
      for (String sql : schema) {
        s.execute(sql);
      }
      return connection;
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  /** SQLite gives the mode of the file to those that it makes beside it. */
  private static void make(Path file) throws SQLException {
    try {
      Files.createFile(file, OWNERS);
    } catch (FileAlreadyExistsException e) {
      return;
    } catch (IOException e) {
      throw new SQLException("cannot make " + file, e);
    }
  }
}
