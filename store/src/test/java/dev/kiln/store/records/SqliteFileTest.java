package dev.kiln.store.records;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class SqliteFileTest {
  private static final int ID = 0x4b6c6e00;
  private static final List<String> FIRST =
      List.of("CREATE TABLE IF NOT EXISTS names (name TEXT PRIMARY KEY)");
  private static final List<String> SECOND =
      List.of("ALTER TABLE names ADD COLUMN age INTEGER", "UPDATE names SET age = 7");
  private static final Schema ONE = new Schema(ID, "names", List.of(FIRST));
  private static final Schema TWO = new Schema(ID, "names", List.of(FIRST, SECOND));

  @TempDir Path dir;

  private Path file() {
    return dir.resolve("names.db");
  }

  private static int number(Connection connection, String query) throws SQLException {
    try (Statement s = connection.createStatement();
        var row = s.executeQuery(query)) {
      assertThat(row.next()).isTrue();
      return row.getInt(1);
    }
  }

  /** A file as versions before the numbers, or other programs, made it. */
  private void make(String... statements) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file());
        Statement s = connection.createStatement()) {
      for (String sql : statements) {
        s.execute(sql);
      }
    }
  }

  private void isRefused(Schema schema, String why) throws IOException {
    byte[] before = Files.readAllBytes(file());
    assertThatThrownBy(() -> SqliteFile.connect(file(), schema))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNSUPPORTED))
        .hasMessageContaining(file().toString())
        .hasMessageContaining(why)
        .hasMessageContaining("--root");
    assertThat(file()).hasBinaryContent(before);
  }

  @Test
  void aNewFileSaysWhoseAndOfWhichVersionItIs() throws SQLException {
    try (Connection connection = SqliteFile.connect(file(), TWO)) {
      assertThat(number(connection, "PRAGMA application_id")).isEqualTo(ID);
      assertThat(number(connection, "PRAGMA user_version")).isEqualTo(2);
      assertThat(number(connection, "SELECT count(age) FROM names")).isZero();
    }
  }

  @Test
  void anOlderFileIsBroughtUpWithWhatIsInIt() throws SQLException {
    try (Connection connection = SqliteFile.connect(file(), ONE);
        Statement s = connection.createStatement()) {
      s.execute("INSERT INTO names VALUES ('a')");
    }
    try (Connection connection = SqliteFile.connect(file(), TWO)) {
      assertThat(number(connection, "SELECT age FROM names WHERE name = 'a'")).isEqualTo(7);
      assertThat(number(connection, "PRAGMA user_version")).isEqualTo(2);
    }
  }

  @Test
  void aFileOfBeforeTheNumbersIsBroughtUpToo() throws SQLException {
    make("CREATE TABLE names (name TEXT PRIMARY KEY)", "INSERT INTO names VALUES ('a')");
    try (Connection connection = SqliteFile.connect(file(), TWO)) {
      assertThat(number(connection, "SELECT age FROM names WHERE name = 'a'")).isEqualTo(7);
      assertThat(number(connection, "PRAGMA application_id")).isEqualTo(ID);
    }
  }

  @Test
  void anUpgradeThatFailsChangesNothing() throws SQLException {
    SqliteFile.connect(file(), ONE).close();
    var broken =
        new Schema(ID, "names", List.of(FIRST, SECOND, List.of("INSERT INTO nowhere VALUES (1)")));
    assertThatThrownBy(() -> SqliteFile.connect(file(), broken))
        .isInstanceOfSatisfying(SQLException.class, e -> assertThat(DamagedFile.is(e)).isFalse());
    try (Connection connection = SqliteFile.connect(file(), ONE)) {
      assertThat(number(connection, "PRAGMA user_version")).isEqualTo(1);
      assertThat(number(connection, "SELECT count(*) FROM pragma_table_info('names')"))
          .isEqualTo(1);
    }
  }

  @Test
  void aNewerFileIsRefused() throws Exception {
    SqliteFile.connect(file(), TWO).close();
    isRefused(ONE, "a newer version of Kiln wrote it (schema 2, this one knows 1)");
  }

  @Test
  void whatOtherProgramsMadeIsRefused() throws Exception {
    make("PRAGMA application_id=1234", "CREATE TABLE names (name TEXT)");
    isRefused(ONE, "of another program");
    Files.delete(file());
    make("CREATE TABLE songs (name TEXT)");
    isRefused(ONE, "of another program");
    Files.delete(file());
    make("PRAGMA user_version=9", "CREATE TABLE names (name TEXT)");
    isRefused(ONE, "of another program");
    var bolt = ByteBuffer.allocate(8192).order(ByteOrder.nativeOrder()).putInt(16, 0xED0CDAED);
    Files.write(file(), bolt.array());
    assertThat(BoltFile.is(file())).isTrue();
    isRefused(ONE, "of buildkitd or containerd");
  }

  @Test
  void aBrokenFileIsKnownAndSetAsideWithItsLog() throws Exception {
    Files.writeString(file(), "this is no database, whatever its name says".repeat(100));
    Files.writeString(dir.resolve("names.db-wal"), "log");
    assertThatThrownBy(() -> SqliteFile.connect(file(), ONE))
        .isInstanceOfSatisfying(SQLException.class, e -> assertThat(DamagedFile.is(e)).isTrue());
    var _ = DamagedFile.setAside(file());
    assertThat(file()).doesNotExist();
    assertThat(dir.resolve("names.db.bak")).exists();
    SqliteFile.connect(file(), ONE).close();
  }

  @Test
  @Timeout(value = 20, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void whatIsNoRegularFileIsRefusedAtOnce() throws Exception {
    Fd.CWD.mknod(BytePath.of(file()), Stat.S_IFIFO | 0600, Stat.Device.NONE);
    assertThatThrownBy(() -> SqliteFile.connect(file(), ONE))
        .isInstanceOf(BuildException.class)
        .hasMessage(
            "cannot use "
                + file()
                + ": it is no regular file; give another --root, or move it away");
  }

  @Test
  void whatCannotBeMadeIsNotBroken() {
    assertThatThrownBy(() -> SqliteFile.connect(dir.resolve("nowhere/names.db"), ONE))
        .isInstanceOfSatisfying(SQLException.class, e -> assertThat(DamagedFile.is(e)).isFalse());
  }
}
