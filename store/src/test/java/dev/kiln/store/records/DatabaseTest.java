package dev.kiln.store.records;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The writer outlives what happens to its file; who waits is told, and the next write works. */
@Timeout(30)
final class DatabaseTest {
  private static final Schema SCHEMA =
      new Schema(
          1,
          "t",
          List.of(
              List.of("CREATE TABLE IF NOT EXISTS t (k TEXT PRIMARY KEY, v INTEGER NOT NULL)")));
  private static final String INSERT = "INSERT INTO t VALUES (?,?)";

  @TempDir Path dir;
  private final FaultyConnection faults = new FaultyConnection();

  private Path file() {
    return dir.resolve("t.db");
  }

  private Database open() {
    return Database.open(file(), () -> faults.of(SqliteFile.connect(file(), SCHEMA)));
  }

  private List<String> rows() {
    var rows = new ArrayList<String>();
    try (Database again = Database.open(file(), SCHEMA)) {
      again.load("SELECT k FROM t ORDER BY k", row -> rows.add(row.getString(1)));
    }
    return rows;
  }

  static Stream<Arguments> failures() {
    var full = FaultyConnection.sqlite(13, "[SQLITE_FULL] database or disk is full");
    var io = FaultyConnection.sqlite(10, "[SQLITE_IOERR_WRITE] disk I/O error");
    return Stream.of(
        Arguments.of("BEGIN", 0, full, Kind.EXHAUSTED, "no space left on device"),
        Arguments.of("INSERT", 1, full, Kind.EXHAUSTED, "no space left on device"),
        Arguments.of("COMMIT", 0, full, Kind.EXHAUSTED, "no space left on device"),
        Arguments.of("BEGIN", 0, io, Kind.INTERNAL, "input/output error"),
        Arguments.of("INSERT", 1, io, Kind.INTERNAL, "input/output error"),
        Arguments.of("COMMIT", 0, io, Kind.INTERNAL, "input/output error"),
        Arguments.of(
            "COMMIT", 0, FaultyConnection.sqlite(11, "malformed"), Kind.INTERNAL, "is damaged"),
        Arguments.of("COMMIT", 0, new IllegalStateException("a bug"), Kind.INTERNAL, "a bug"),
        Arguments.of("INSERT", 1, new OutOfMemoryError("heap"), Kind.EXHAUSTED, "out of memory"),
        Arguments.of("INSERT", 1, new StackOverflowError(), Kind.EXHAUSTED, "stack"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void whoWaitsIsToldAndWhatFailedIsWrittenLater(
      String at, int after, Throwable failure, Kind kind, String text) throws Exception {
    try (Database database = open()) {
      database.write(INSERT, "a", 1);
      database.flush();
      faults.fails(at, after, failure);
      database.write(INSERT, "b", 1);
      database.write(INSERT, "c", 1);
      database.write(INSERT, "d", 1);
      assertThatThrownBy(database::flush)
          .isInstanceOfSatisfying(BuildException.class, e -> assertThat(e.kind()).isEqualTo(kind))
          .hasMessageContaining(text);
      assertThatThrownBy(database::flush).as("as long as it fails").hasMessageContaining(text);
      faults.works();
      database.write(INSERT, "e", 1);
      database.flush();
    }
    assertThat(rows()).containsExactly("a", "b", "c", "d", "e");
  }

  @Test
  void changeThatCanNeverBeWrittenIsAloneLeftOut() throws Exception {
    try (Database database = open()) {
      database.write(INSERT, "a", 1);
      var before = database.committed();
      database.write(INSERT, "a", 2);
      database.write(INSERT, "b", Database.NULL);
      database.write("INSERT INTO missing VALUES (1)");
      var _ = database.committed();
      database.write(INSERT, "c", 1);
      before.toCompletableFuture().get(10, TimeUnit.SECONDS);
      database.write(INSERT, "d", 1);
      database.write(INSERT, "e", 1);
    }
    assertThat(rows()).containsExactly("a", "c", "d", "e");
  }

  @Test
  void nobodyWaitsForADatabaseThatIsClosed() {
    Database database = open();
    database.close();
    assertThatThrownBy(database::flush).hasMessageContaining("is closed");
  }

  @Test
  void damagedRowsAreLeftOutAndTheirNeighboursAreNot() throws Exception {
    try (Database database = open()) {
      database.write(INSERT, "1", 1);
      database.write(INSERT, "two", 1);
      database.write(INSERT, "3", 1);
    }
    var read = new ArrayList<Integer>();
    try (Database database = open()) {
      database.load(
          "SELECT k FROM t ORDER BY k", row -> read.add(Integer.valueOf(row.getString(1))));
    }
    assertThat(read).containsExactly(1, 3);
  }

  @Test
  void damagedFileIsSaidWithTheWayOut() throws Exception {
    Files.writeString(file(), "This is no database, and longer than a header. ".repeat(100));
    assertThatThrownBy(this::open)
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("t.db is damaged")
        .hasMessageContaining("move it away");
  }
}
