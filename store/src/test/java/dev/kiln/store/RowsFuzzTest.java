package dev.kiln.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.store.records.Database;
import dev.kiln.store.records.MemoryDatabase;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;

/** Whatever stands in the rows of records is read or refused in words. */
class RowsFuzzTest {
  private static final List<String> KINDS = List.of("LAYER", "MERGE", "UPPER_LAYERS", "DIFF");
  private static final List<String> TABLES = List.of("refs", "blobs", "labels", "meta");
  private static final List<String> META =
      List.of("boot_id", "clean", "durable_seq", "durable_time");

  /** One for all inputs: to open a database takes longer than to read it. */
  private static @Nullable MemoryDatabase memory;

  @AfterAll
  static void close() {
    if (memory != null) {
      memory.close();
    }
  }

  @FuzzTest
  void anyRowsAreReadOrRefused(FuzzedDataProvider data) throws Exception {
    if (memory == null) {
      memory = new MemoryDatabase(RefTable.SCHEMA);
    }
    for (String table : TABLES) {
      memory.execute("DELETE FROM " + table);
    }
    for (int i = data.consumeInt(1, 4); i > 0; i--) {
      memory.execute(
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
          time(data),
          data.consumeLong(),
          data.consumeInt(),
          data.consumeLong());
      memory.execute(
          "INSERT OR REPLACE INTO blobs VALUES (?,?,?,?,?,?,?,?,?)",
          name(data),
          data.consumeBoolean() ? RefTable.PULLED : text(data),
          text(data),
          digest(data),
          data.consumeLong(),
          digest(data),
          time(data),
          text(data),
          text(data));
      memory.execute("INSERT OR REPLACE INTO labels VALUES (?,?,?)", name(data), text(data), "v");
      memory.execute(
          "INSERT OR REPLACE INTO meta VALUES (?,?)",
          data.pickValue(META),
          data.consumeBoolean() ? Long.toString(data.consumeLong()) : text(data));
    }
    read(memory.database());
    memory.database().flush();
  }

  private static void read(Database database) {
    try {
      var table = new RefTable(database, Clock.systemUTC());
      new Durability(database, table, Path.of("root"), "this boot", Optional.empty()).lastRun();
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

  /** Mostly as it should be, so that what stands behind it is reached. */
  private static String digest(FuzzedDataProvider data) {
    return data.consumeInt(0, 3) > 0 ? Digest.of(data.consumeBytes(2)).value() : text(data);
  }

  private static Object time(FuzzedDataProvider data) {
    return data.consumeBoolean() ? data.consumeLong() : text(data);
  }

  private static String text(FuzzedDataProvider data) {
    return data.consumeString(80);
  }
}
