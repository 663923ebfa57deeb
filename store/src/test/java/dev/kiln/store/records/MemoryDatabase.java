package dev.kiln.store.records;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** A database without a file, whose rows a test writes itself. One thread; closed by its maker. */
public final class MemoryDatabase implements AutoCloseable {
  private final Connection connection;
  private final Database database;

  public MemoryDatabase(List<String> schema) throws SQLException {
    connection = DriverManager.getConnection("jdbc:sqlite::memory:");
    for (String sql : schema) {
      execute(sql);
    }
    database = Database.open(Path.of("memory"), () -> connection);
  }

  /** What reads the rows; nothing is queued for it while {@link #execute} runs. */
  public Database database() {
    return database;
  }

  /** Runs one statement at once. */
  public void execute(String sql, Object... values) throws SQLException {
    if (values.length == 0) {
      try (Statement statement = connection.createStatement()) {
        statement.execute(sql);
      }
      return;
    }
    try (var statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i] == Database.NULL ? null : values[i]);
      }
      statement.execute();
    }
  }

  @Override
  public void close() {
    database.close();
  }
}
