package dev.kiln.store.records;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
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
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A SQLite file with one writer. Writes are queued and committed in batches, in order; a reader
 * loads at start, before the first write, and keeps what it needs in memory. A committed batch
 * survives the death of the process; what survives that of the machine is the store's affair (ADR
 * 0004). Any thread; {@link #close} writes out what is queued.
 *
 * <p>The writer outlives every failure. A batch that cannot be committed, as on a full disk, is
 * rolled back, and who waits for it is told; its changes stay queued, up to {@value #MOST_KEPT},
 * and are tried again with the next one, so that the file follows what is in memory. A change that
 * can never be written is left out, and its neighbours are not.
 */
public final class Database implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Database.class);
  private static final int BATCH = 1000;
  private static final int MOST_KEPT = 100_000;

  /** How long changes wait that could not be written, where none come after them. */
  private static final long RETRY_SECONDS = 10;

  private final Path file;
  private final Connector connector;
  private final LinkedBlockingQueue<Write> queue = new LinkedBlockingQueue<>();
  private final Map<String, PreparedStatement> prepared = new HashMap<>(); // the writer's alone
  private final Trouble trouble;
  private final Blocking.Task<Boolean> writer;
  private final Object using = new Object();
  private Optional<Connection> connection; // guarded by using

  private sealed interface Write {}

  private record Change(String sql, List<Object> values) implements Write {}

  private record Marker(CompletableFuture<Void> reached) implements Write {}

  private record End() implements Write {}

  /** Opens the file, also anew after a failure. */
  interface Connector {
    Connection connect() throws SQLException;
  }

  private Database(Path file, Connector connector) throws SQLException {
    this.file = file;
    this.connector = connector;
    this.trouble = new Trouble(file);
    this.connection = Optional.of(connector.connect());
    this.writer = Blocking.onPlatform("records-writer", this::writeAll);
    var _ = writer.done().whenComplete((_, _) -> failQueued());
  }

  /**
   * Opens the file, and brings it to the version of {@code schema}.
   *
   * @throws BuildException as {@link SqliteFile#connect} does; with the reason where SQLite cannot
   *     open it
   */
  public static Database open(Path file, Schema schema) {
    return open(file, () -> SqliteFile.connect(file, schema));
  }

  static Database open(Path file, Connector connector) {
    try {
      return new Database(file, connector);
    } catch (SQLException e) {
      throw SqlFailures.of(file, e);
    }
  }

  /** What reads one row. */
  public interface RowReader {
    void read(java.sql.ResultSet row) throws SQLException;
  }

  /**
   * Reads rows; only before the first {@link #write}. A row that {@code each} throws for is left
   * out, with a warning: it is damaged, and the others are not.
   *
   * @throws BuildException where the file itself cannot be read
   */
  public void load(String query, RowReader each) {
    int damaged = 0;
    synchronized (using) {
      try (Statement s = connection.orElseThrow().createStatement();
          var rows = s.executeQuery(query)) {
        while (rows.next()) {
          try {
            each.read(rows);
          } catch (RuntimeException e) {
            damaged++;
            LOG.debug("a row of {}: {}", file, query, e);
          }
        }
      } catch (SQLException e) {
        throw SqlFailures.of(file, e);
      }
    }
    if (damaged > 0) {
      LOG.warn("{} rows of {} are damaged and left out: {}", damaged, file, query);
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

  /**
   * Done when everything queued before this call is committed; fails with a {@link BuildException}
   * where it could not be at the first try.
   */
  public CompletionStage<Void> committed() {
    var reached = new CompletableFuture<Void>();
    queue.add(new Marker(reached));
    if (writer.done().toCompletableFuture().isDone()) {
      failQueued();
    }
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

  /** The writer is gone: nobody is left waiting for it. */
  private void failQueued() {
    var closed = new BuildException(Kind.UNAVAILABLE, file + " is closed");
    for (Write left = queue.poll(); left != null; left = queue.poll()) {
      if (left instanceof Marker(var reached)) {
        reached.completeExceptionally(closed);
      }
    }
  }

  private boolean writeAll() throws SQLException {
    var batch = new ArrayList<Write>();
    boolean open = true;
    while (open) {
      Optional<Write> next = next(!batch.isEmpty());
      next.ifPresent(batch::add);
      queue.drainTo(batch, BATCH);
      open = commit(batch);
    }
    if (!batch.isEmpty()) {
      LOG.error("{} changes of {} are lost", batch.size(), file);
    }
    disconnect();
    return true;
  }

  private Optional<Write> next(boolean kept) {
    while (true) {
      try {
        return kept
            ? Optional.ofNullable(queue.poll(RETRY_SECONDS, TimeUnit.SECONDS))
            : Optional.of(queue.take());
      } catch (InterruptedException e) {
        LOG.debug("the writer of {} ends with its end only", file, e);
      }
    }
  }

  /**
   * Commits a batch and empties it, but for the changes that are to be tried again; false where it
   * holds the end.
   */
  private boolean commit(List<Write> batch) {
    boolean open = batch.stream().noneMatch(End.class::isInstance);
    batch.removeIf(End.class::isInstance);
    try {
      while (batch.stream().anyMatch(Change.class::isInstance)) {
        Optional<Write> bad = transact(batch);
        if (bad.isEmpty()) {
          trouble.over();
          break;
        }
        leaveOut(batch, bad.get());
      }
      batch.forEach(write -> {
        if (write instanceof Marker(var reached)) {
          reached.complete(null);
        }
      });
      batch.clear();
    } catch (SQLException | RuntimeException | Error e) {
      trouble.failed(e);
      rollBack(e);
      failMarkers(batch, SqlFailures.of(file, e));
      batch.removeIf(Marker.class::isInstance);
      if (batch.size() > MOST_KEPT) {
        LOG.error("{} changes of {} are given up", batch.size(), file);
        batch.clear();
      }
    }
    return open;
  }

  /**
   * Writes all changes of a batch.
   *
   * @return the one that can never be written, where there is one; then nothing is
   */
  private Optional<Write> transact(List<Write> batch) throws SQLException {
    synchronized (using) {
      if (connection.isEmpty()) {
        connection = Optional.of(connector.connect());
      }
      run("BEGIN IMMEDIATE");
      for (Write write : batch) {
        if (write instanceof Change change) {
          try {
            execute(change);
          } catch (SQLException | RuntimeException e) {
            if (!SqlFailures.isOfTheStatement(e)) {
              throw e;
            }
            LOG.error("a change of {} cannot be written: {}", file, change.sql(), e);
            rollBack(e);
            return Optional.of(write);
          }
        }
      }
      run("COMMIT");
      return Optional.empty();
    }
  }

  /** Who waits for a change that is left out is told. */
  private void leaveOut(List<Write> batch, Write change) {
    int at = batch.indexOf(change);
    batch.remove(at);
    List<Write> after = batch.subList(at, batch.size());
    failMarkers(after, new BuildException(Kind.INTERNAL, "a change of " + file + " was left out"));
    after.removeIf(Marker.class::isInstance);
  }

  private static void failMarkers(List<Write> batch, BuildException failure) {
    for (Write write : batch) {
      if (write instanceof Marker(var reached)) {
        reached.completeExceptionally(failure);
      }
    }
  }

  /** SQLite often has rolled back itself, as it does where the disk is full. */
  private void rollBack(Throwable why) {
    synchronized (using) {
      try {
        forgetStatements();
        run("ROLLBACK");
      } catch (SQLException | RuntimeException e) {
        LOG.debug("{} was rolled back by SQLite", file, e);
      }
      if (!SqlFailures.leavesTheConnection(why)) {
        try {
          disconnect();
        } catch (SQLException | RuntimeException e) {
          LOG.debug("a broken connection to {} was not closed", file, e);
        }
      }
    }
  }

  private void run(String sql) throws SQLException {
    synchronized (using) {
      try (Statement s = connection.orElseThrow().createStatement()) {
        s.execute(sql);
      }
    }
  }

  private void execute(Change change) throws SQLException {
    PreparedStatement statement = prepared.get(change.sql());
    if (statement == null) {
      synchronized (using) {
        statement = connection.orElseThrow().prepareStatement(change.sql());
      }
      prepared.put(change.sql(), statement);
    }
    int i = 1;
    for (Object value : change.values()) {
      statement.setObject(i++, value == NULL ? null : value);
    }
    statement.executeUpdate();
  }

  private void forgetStatements() throws SQLException {
    var all = List.copyOf(prepared.values());
    prepared.clear();
    for (PreparedStatement statement : all) {
      statement.close(); // one that failed does not run again
    }
  }

  private void disconnect() throws SQLException {
    synchronized (using) {
      Optional<Connection> open = connection;
      connection = Optional.empty();
      try {
        forgetStatements();
      } finally {
        if (open.isPresent()) {
          open.get().close();
        }
      }
    }
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
