package dev.kiln.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.kiln.model.BuildException;
import dev.kiln.store.records.Database;
import dev.kiln.store.records.Schema;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;

/** Whatever stands in the rows of records is read or refused in words. */
class RowsFuzzTest {
  private static final Schema SCHEMA = new Schema(1, "refs", List.of(RefTable.SCHEMA));
  private static final List<String> KINDS = List.of("LAYER", "MERGE", "UPPER_LAYERS", "DIFF");

  @FuzzTest
  void anyRowsAreReadOrRefused(FuzzedDataProvider data) throws Exception {
    Path folder = Files.createTempDirectory("fuzz");
    Path file = folder.resolve("records.db");
    try (Database database = Database.open(file, SCHEMA)) {
      for (int i = data.consumeInt(1, 4); i > 0; i--) {
        database.write(
            "INSERT OR REPLACE INTO refs VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            name(data),
            data.consumeLong(),
            data.consumeBoolean() ? data.pickValue(KINDS) : text(data),
            data.consumeBoolean() ? name(data) : text(data),
            data.consumeLong(),
            text(data),
            data.consumeBoolean() ? Database.NULL : text(data),
            text(data),
            text(data),
            data.consumeLong(),
            data.consumeLong(),
            data.consumeInt(),
            data.consumeLong());
        database.write(
            "INSERT OR REPLACE INTO blobs VALUES (?,?,?,?,?,?,?,?,?)",
            name(data),
            data.consumeBoolean() ? RefTable.PULLED : text(data),
            text(data),
            text(data),
            data.consumeLong(),
            text(data),
            data.consumeLong(),
            text(data),
            text(data));
        database.write("INSERT OR REPLACE INTO labels VALUES (?,?,?)", name(data), text(data), "v");
      }
    }
    try (Database database = Database.open(file, SCHEMA)) {
      read(new RefTable(database, Clock.systemUTC()));
    } finally {
      for (String suffix : List.of("", "-wal", "-shm")) {
        Files.deleteIfExists(Path.of(file + suffix));
      }
      Files.delete(folder);
    }
  }

  private static void read(RefTable table) {
    try {
      table.load(Long.MAX_VALUE);
      table.locked(() -> List.copyOf(table.all()).forEach(RefRecord::chain));
    } catch (BuildException expected) {
      assertThat(expected.getMessage()).isNotBlank();
    }
  }

  /** Few names, so that rows speak of each other. */
  private static String name(FuzzedDataProvider data) {
    return "ref" + data.consumeInt(0, 3);
  }

  private static String text(FuzzedDataProvider data) {
    return data.consumeString(80);
  }
}
