package dev.kiln.control.history;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.store.records.SqliteFile;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Keeps history records in one SQLite file. A file that cannot be read is set aside as {@code
 * history.db.bak} and begun anew, as no build should fail for it. One thread at a time; who opens
 * it closes it. Blocks.
 */
final class HistoryDatabase implements AutoCloseable {
  private static final List<String> SCHEMA =
      List.of(
          "CREATE TABLE IF NOT EXISTS builds (ref TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID");

  private final Connection connection;

  private HistoryDatabase(Connection connection) {
    this.connection = connection;
  }

  static HistoryDatabase open(Path file) {
    try {
      return new HistoryDatabase(SqliteFile.connect(file, SCHEMA));
    } catch (SQLException broken) {
      try {
        Path aside = file.resolveSibling(file.getFileName() + ".bak");
        java.nio.file.Files.move(file, aside, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        return new HistoryDatabase(SqliteFile.connect(file, SCHEMA));
      } catch (java.io.IOException | SQLException e) {
        e.addSuppressed(broken);
        throw failed("open " + file, e);
      }
    }
  }

  List<BuildHistoryRecord> all() {
    var records = new ArrayList<BuildHistoryRecord>();
    try (var statement = connection.createStatement();
        var rows = statement.executeQuery("SELECT record FROM builds ORDER BY ref")) {
      while (rows.next()) {
        records.add(BuildHistoryRecord.parseFrom(rows.getBytes(1)));
      }
    } catch (SQLException | InvalidProtocolBufferException e) {
      throw failed("read", e);
    }
    return records;
  }

  void put(BuildHistoryRecord record) {
    try (var statement =
        connection.prepareStatement("INSERT OR REPLACE INTO builds (ref, record) VALUES (?, ?)")) {
      statement.setString(1, record.getRef());
      statement.setBytes(2, record.toByteArray());
      statement.executeUpdate();
    } catch (SQLException e) {
      throw failed("write", e);
    }
  }

  void delete(String ref) {
    try (var statement = connection.prepareStatement("DELETE FROM builds WHERE ref = ?")) {
      statement.setString(1, ref);
      statement.executeUpdate();
    } catch (SQLException e) {
      throw failed("delete from", e);
    }
  }

  private static BuildException failed(String what, Exception cause) {
    return new BuildException(
        Kind.INTERNAL, "failed to " + what + " the build history: " + cause.getMessage(), cause);
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      throw failed("close", e);
    }
  }
}
