package dev.kiln.control.history;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.model.BuildException;
import dev.kiln.store.records.DamagedFile;
import dev.kiln.store.records.Schema;
import dev.kiln.store.records.SqlFailures;
import dev.kiln.store.records.SqliteFile;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps history records in one SQLite file. A file that cannot be read is set aside as {@code
 * history.db.bak} and begun anew, as no build should fail for it. One thread at a time; who opens
 * it closes it. Blocks.
 */
final class HistoryDatabase implements AutoCloseable {
  private static final Schema SCHEMA =
      new Schema(
          0x4b6c6e68, // "Klnh"
          "builds",
          List.of(
              List.of(
                  "CREATE TABLE IF NOT EXISTS builds"
                      + " (ref TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID")));

  private static final Logger LOG = LoggerFactory.getLogger(HistoryDatabase.class);

  private final Path file;
  private final Connection connection;
  private final List<BuildHistoryRecord> read;

  private HistoryDatabase(Path file) throws SQLException {
    this.file = file;
    this.connection = SqliteFile.connect(file, SCHEMA);
    try {
      this.read = read();
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  static HistoryDatabase open(Path file) {
    try {
      return new HistoryDatabase(file);
    } catch (SQLException broken) {
      if (!DamagedFile.is(broken)) {
        throw failed("open", file, broken); // a disk that is full or fails spoils no file
      }
      try {
        Path aside = DamagedFile.setAside(file);
        LOG.error("the build history in {} cannot be read; kept as {}", file, aside, broken);
        return new HistoryDatabase(file);
      } catch (IOException | SQLException e) {
        e.addSuppressed(broken);
        throw failed("open", file, e);
      }
    }
  }

  /** What was in the file when it was opened. */
  List<BuildHistoryRecord> all() {
    return read;
  }

  /** A damaged row is left out, and no other one. */
  private List<BuildHistoryRecord> read() throws SQLException {
    var records = new ArrayList<BuildHistoryRecord>();
    int damaged = 0;
    try (var statement = connection.createStatement();
        var rows = statement.executeQuery("SELECT ref, record FROM builds ORDER BY ref")) {
      while (rows.next()) {
        try {
          BuildHistoryRecord record = BuildHistoryRecord.parseFrom(rows.getBytes(2));
          if (!record.getRef().equals(rows.getString(1))) {
            throw new InvalidProtocolBufferException("another build's record");
          }
          records.add(record);
        } catch (InvalidProtocolBufferException | RuntimeException e) {
          damaged++;
          LOG.debug("a row of {}", file, e);
        }
      }
    }
    if (damaged > 0) {
      LOG.warn("{} records in {} are damaged and left out", damaged, file);
    }
    return List.copyOf(records);
  }

  void put(BuildHistoryRecord record) {
    try (var statement =
        connection.prepareStatement("INSERT OR REPLACE INTO builds (ref, record) VALUES (?, ?)")) {
      statement.setString(1, record.getRef());
      statement.setBytes(2, record.toByteArray());
      statement.executeUpdate();
    } catch (SQLException e) {
      throw failed("write", file, e);
    }
  }

  void delete(String ref) {
    try (var statement = connection.prepareStatement("DELETE FROM builds WHERE ref = ?")) {
      statement.setString(1, ref);
      statement.executeUpdate();
    } catch (SQLException e) {
      throw failed("delete from", file, e);
    }
  }

  private static BuildException failed(String what, Path file, Exception cause) {
    return SqlFailures.of(file, cause).wrap("failed to " + what + " the build history");
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      throw failed("close", file, e);
    }
  }
}
