package dev.kiln.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.actors.CacheLink;
import dev.kiln.actors.CacheRecord;
import dev.kiln.actors.CacheStore.AddLink;
import dev.kiln.actors.CacheStore.AddResult;
import dev.kiln.actors.CacheStore.Change;
import dev.kiln.actors.CacheStore.DropResult;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheKeyFileTest {
  private static final String DIGEST = "sha256:" + "c".repeat(64);
  private static final CacheLink PLAIN =
      new CacheLink(0, new KeyDigest(DIGEST), 0, Optional.empty());
  private static final CacheLink SELECTED =
      new CacheLink(1, new KeyDigest(DIGEST), 2, Optional.of(new Digest(DIGEST)));

  @TempDir Path folder;

  private void write(Change... changes) throws Exception {
    try (CacheKeyFile file = CacheKeyFile.open(folder.resolve("cache.db"))) {
      file.write(List.of(changes)).toCompletableFuture().get(10, TimeUnit.SECONDS);
    }
  }

  private CacheKeyFile.Contents read() {
    try (CacheKeyFile file = CacheKeyFile.open(folder.resolve("cache.db"))) {
      return file.read();
    }
  }

  @Test
  void whatWasWrittenIsThereAfterARestart() throws Exception {
    var result = new AddResult("b", new CacheRecord("r1", Instant.ofEpochMilli(5)));
    write(new AddLink("a", PLAIN, "b"), new AddLink("a", SELECTED, "b"), result, result);
    assertThat(read().links())
        .containsExactlyInAnyOrder(new AddLink("a", PLAIN, "b"), new AddLink("a", SELECTED, "b"));
    assertThat(read().results()).containsExactly(result);
  }

  @Test
  void linksThatLeadToNoResultAreDropped() throws Exception {
    write(
        new AddLink("a", PLAIN, "b"),
        new AddLink("b", PLAIN, "c"),
        new AddLink("b", PLAIN, "d"),
        new AddResult("c", new CacheRecord("kept", Instant.EPOCH)),
        new AddResult("d", new CacheRecord("gone", Instant.EPOCH)),
        new DropResult("gone"));
    assertThat(read().links())
        .containsExactlyInAnyOrder(new AddLink("a", PLAIN, "b"), new AddLink("b", PLAIN, "c"));
    assertThat(read().results()).extracting(r -> r.record().id()).containsExactly("kept");
  }

  @Test
  void aBrokenFileIsSetAside() throws Exception {
    Files.writeString(folder.resolve("cache.db"), "this is no database, but long enough to be one");
    assertThat(read().links()).isEmpty();
    assertThat(folder.resolve("cache.db.bak")).exists();
  }

  @Test
  void aDamagedRowCostsItselfAlone() throws Exception {
    write(
        new AddLink("a", PLAIN, "b"),
        new AddLink("c", PLAIN, "b"),
        new AddResult("b", new CacheRecord("r1", Instant.EPOCH)));
    try (var connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("cache.db"));
        var statement = connection.createStatement()) {
      statement.executeUpdate("UPDATE links SET digest = 'no digest' WHERE from_key = 'a'");
    }
    assertThat(read().links()).containsExactly(new AddLink("c", PLAIN, "b"));
    assertThat(read().results()).extracting(r -> r.record().id()).containsExactly("r1");
  }

  @Test
  void aFileInTheMiddleOfWhichIsDamageIsSetAside() throws Exception {
    var changes = new ArrayList<Change>();
    changes.add(new AddResult("to", new CacheRecord("r", Instant.EPOCH)));
    for (int i = 0; i < 3000; i++) {
      changes.add(new AddLink("from-" + i, PLAIN, "to"));
    }
    write(changes.toArray(Change[]::new));
    try (var file = new RandomAccessFile(folder.resolve("cache.db").toFile(), "rw")) {
      file.seek(file.length() / 2 - 8192);
      file.write(new byte[16384]);
    }
    assertThat(read().links()).isEmpty();
    assertThat(folder.resolve("cache.db.bak")).exists();
    write(new AddResult("new", new CacheRecord("r2", Instant.EPOCH)));
    assertThat(read().results()).hasSize(1);
  }

  @Test
  void aDiskThatFailsSpoilsNoFile() throws Exception {
    write(new AddResult("b", new CacheRecord("r1", Instant.EPOCH)));
    Files.createDirectory(folder.resolve("cache.db-wal")); // cannot be opened, as on a bad disk
    assertThatThrownBy(this::read).hasMessageContaining("cache.db");
    Files.delete(folder.resolve("cache.db-wal"));
    assertThat(read().results()).hasSize(1);
  }
}
