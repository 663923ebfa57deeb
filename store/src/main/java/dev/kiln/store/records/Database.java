package dev.kiln.store.records;

import dev.kiln.model.BuildException;
import dev.kiln.tracing.Blocking;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A SQLite file with one writer. Writes are queued and committed in batches, in order; a reader
 * loads at start, before the first write, and keeps what it needs in memory. A committed batch
 * survives the death of the process; what survives that of the machine is the store's affair (ADR
 * 0002). Any thread; {@link #close} writes out what is queued.
 */
public final class Database implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Database.class);
  private static final int BATCH = 1000;

  private final Connection connection;
  private final LinkedBlockingQueue<Write> queue = new LinkedBlockingQueue<>();
  private final Map<String, PreparedStatement> prepared = new HashMap<>(); // the writer's alone
  private final Blocking.Task<Boolean> writer;

  private sealed interface Write {}

  private record Change(String sql, List<Object> values) implements Write {}

  private record Marker(CompletableFuture<Void> reached) implements Write {}

  private record End() implements Write {}

  private Database(Connection connection) {
    this.connection = connection;
    this.writer = Blocking.onPlatform("records-writer", this::writeAll);
  }

  /** Opens the file and makes what is missing of {@code schema} (statements with IF NOT EXISTS). */
  public static Database open(Path file, List<String> schema) {
    try {
      return new Database(SqliteFile.connect(file, schema));
    } catch (SQLException e) {
      throw new BuildException(dev.kiln.model.Kind.INTERNAL, "cannot open the database " + file, e);
    }
  }

  /** What reads one row. */
  public interface RowReader {
    void read(java.sql.ResultSet row) throws SQLException;
  }

  /** Reads rows; only before the first {@link #write}. */
  public void load(String query, RowReader each) {
    try (Statement s = connection.createStatement();
        var rows = s.executeQuery(query)) {
      while (rows.next()) {
        each.read(rows);
      }
    } catch (SQLException e) {
      throw BuildException.of(e);
    }
  }

  /**
   * Queues one statement.
   *
   * @param values strings, numbers, booleans and byte arrays; {@link #NULL} for none
   */
  public void write(String sql, Object... values) {
    queue.add(new Change(sql, List.of(values)));
  }

  /** Stands for SQL's NULL among values. */
  public static final Object NULL = new Object();

  /** Done when everything queued before this call is committed. */
  public CompletionStage<Void> committed() {
    var reached = new CompletableFuture<Void>();
    queue.add(new Marker(reached));
    return reached;
  }

  /** Waits for {@link #committed}. */
  public void flush() throws InterruptedException {
    try {
      committed().toCompletableFuture().get();
    } catch (ExecutionException e) {
      throw BuildException.of(e);
    }
  }

  private boolean writeAll() throws InterruptedException, SQLException {
    connection.setAutoCommit(false);
    var batch = new ArrayList<Write>();
    boolean open = true;
    while (open) {
      batch.add(queue.take());
      queue.drainTo(batch, BATCH);
      open = commit(batch);
      batch.clear();
    }
    for (PreparedStatement statement : prepared.values()) {
      statement.close();
    }
    connection.close();
    return true;
  }

  /** Commits a batch; false where it holds the end. */
  private boolean commit(List<Write> batch) {
    boolean open = true;
    var reached = new ArrayList<CompletableFuture<Void>>();
    try {
      boolean changed = false;
      for (Write write : batch) {
        switch (write) {
          case Change change -> {
            execute(change);
            changed = true;
          }
          case Marker marker -> reached.add(marker.reached());
          case End _ -> open = false;
        }
      }
      if (changed) {
        connection.commit();
      }
      reached.forEach(r -> r.complete(null));
    } catch (SQLException e) {
      LOG.error("records were not written", e);
      for (Write write : batch) { // also those behind the one that failed
        switch (write) {
          case Change _ -> {}
          case Marker marker -> marker.reached().completeExceptionally(e);
          case End _ -> open = false;
        }
      }
      try {
        for (PreparedStatement statement : prepared.values()) {
          statement.close(); // one that failed does not run again
        }
        prepared.clear();
        connection.rollback();
      } catch (SQLException again) {
        LOG.debug("SQLite had rolled back itself, as it does where the disk is full", again);
      }
    }
    return open;
  }

  private void execute(Change change) throws SQLException {
    PreparedStatement statement = prepared.get(change.sql());
    if (statement == null) {
      statement = connection.prepareStatement(change.sql());
      prepared.put(change.sql(), statement);
    }
    int i = 1;
    for (Object value : change.values()) {
      statement.setObject(i++, value == NULL ? null : value);
    }
    statement.executeUpdate();
  }

  @Override
  public void close() {
    queue.add(new End());
    try {
      writer.done().toCompletableFuture().get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      LOG.error("the database was not closed cleanly", e.getCause());
    }
  }
}
