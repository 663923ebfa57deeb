package dev.kiln.store.records;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/**
 * How the daemon opens SQLite files (ADR 0017). What another program made, or a newer version, is
 * refused and not touched.
 */
public final class SqliteFile {
  private static final FileAttribute<?> OWNERS =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  /** The database header and its fields (sqlite.org/fileformat2.html, 1.3). */
  private static final String MAGIC = "SQLite format 3\0";

  private static final int HEADER = 100;
  private static final int APPLICATION_ID = 68;

  private SqliteFile() {}

  /**
   * Opens {@code file}, its owner's alone where it is new, with a log of its writes beside it, and
   * brings it to the version of {@code schema}. Blocks. Who calls this closes the connection.
   *
   * @throws BuildException {@code UNSUPPORTED} where another program or a newer version made it, or
   *     it is no regular file; nothing is changed then
   * @throws SQLException if it cannot be made or is no database; see {@link DamagedFile}
   */
  public static Connection connect(Path file, Schema schema) throws SQLException {
    make(file);
    refuseOthers(file, schema);
    Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
    try (Statement s = connection.createStatement()) {
      int version = check(s, file, schema);
      s.execute("PRAGMA journal_mode=WAL");
      s.execute("PRAGMA synchronous=NORMAL");
      if (version < schema.version()) {
        upgrade(s, schema, version);
      }
      return connection;
    } catch (SQLException | RuntimeException e) {
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
      throw new SQLException("cannot make " + file + ": " + e.getMessage(), e);
    }
  }

  /** Before SQLite looks at it, which may write. */
  private static void refuseOthers(Path file, Schema schema) throws SQLException {
    if (!Files.isRegularFile(file)) {
      throw refused(file, "it is no regular file"); // to open a fifo would wait for ever
    }
    byte[] header;
    try (InputStream in = Files.newInputStream(file)) {
      header = in.readNBytes(HEADER);
    } catch (IOException e) {
      throw new SQLException("cannot read " + file + ": " + e.getMessage(), e);
    }
    if (BoltFile.isHeader(header)) {
      throw refused(file, "it is a database of buildkitd or containerd");
    }
    boolean sqlite =
        header.length == HEADER
            && new String(header, 0, MAGIC.length(), StandardCharsets.ISO_8859_1).equals(MAGIC);
    int id = sqlite ? ByteBuffer.wrap(header).getInt(APPLICATION_ID) : 0;
    if (id != 0 && id != schema.applicationId()) {
      throw refused(file, "it is a database of another program");
    }
  }

  private static BuildException refused(Path file, String why) {
    return new BuildException(
        Kind.UNSUPPORTED,
        "cannot use " + file + ": " + why + "; give another --root, or move it away");
  }

  /** The version of the file, 0 for one of before the numbers or a new one. */
  private static int check(Statement s, Path file, Schema schema) throws SQLException {
    int id = number(s, "PRAGMA application_id");
    int version = number(s, "PRAGMA user_version");
    boolean empty = number(s, "SELECT count(*) FROM sqlite_master") == 0;
    boolean earlier =
        number(s, "SELECT count(*) FROM sqlite_master WHERE name = '" + schema.table() + "'") > 0;
    boolean ours = id == schema.applicationId() || id == 0 && version == 0 && (empty || earlier);
    if (!ours) {
      throw refused(file, "it is a database of another program");
    }
    if (version > schema.version()) {
      throw refused(
          file,
          "a newer version of Kiln wrote it (schema "
              + version
              + ", this one knows "
              + schema.version()
              + "); start that version");
    }
    return version;
  }

  private static int number(Statement s, String query) throws SQLException {
    try (ResultSet row = s.executeQuery(query)) {
      return row.next() ? row.getInt(1) : 0;
    }
  }

  /** All steps, or none of them. */
  private static void upgrade(Statement s, Schema schema, int version) throws SQLException {
    s.execute("BEGIN IMMEDIATE");
    try {
      for (List<String> step : schema.steps().subList(version, schema.version())) {
        for (String sql : step) {
          s.execute(sql);
        }
      }
      s.execute("PRAGMA application_id=" + schema.applicationId());
      s.execute("PRAGMA user_version=" + schema.version());
      s.execute("COMMIT");
    } catch (SQLException e) {
      try {
        s.execute("ROLLBACK");
      } catch (SQLException again) {
        e.addSuppressed(again); // SQLite had rolled back itself
      }
      throw e;
    }
  }
}
