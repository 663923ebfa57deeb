package dev.kiln.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.StepProgress;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damage in the records: it costs what is damaged, or is said in words. Runs as root on Linux. */
class DamagedStoreTest {
  @TempDir Path temp;

  private Store open() {
    return LocalStore.open(
        new StoreOptions(
            temp.resolve("store"),
            "native",
            Clock.systemUTC(),
            "boot",
            Optional.of(Duration.ofDays(1))));
  }

  private static RefId state(Store store, Lease lease, Optional<RefId> parent, String name)
      throws Exception {
    try (ActiveRef active =
        store.refs().create(lease, parent, RefOptions.of(name), StepProgress.NONE)) {
      Files.writeString(active.mount().resolve("name"), name);
      active.commit();
      return active.id();
    }
  }

  private void sql(String... statements) throws Exception {
    try (var connection =
            DriverManager.getConnection("jdbc:sqlite:" + temp.resolve("store/records.db"));
        var statement = connection.createStatement()) {
      for (String sql : statements) {
        assertThat(statement.executeUpdate(sql)).as(sql).isPositive();
      }
    }
  }

  private static List<String> names(Store store) {
    return store.refs().usage(List.of(), Duration.ZERO).stream()
        .map(UsageRecord::description)
        .sorted()
        .toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "kind = 'BOGUS'",
        "kind = NULL",
        "chain_id = 'no digest'",
        "parents = NULL",
        "id = ''"
      })
  void aDamagedRowCostsItselfAndWhatIsMadeFromIt(String damage) throws Exception {
    try (Store store = open();
        Lease lease = store.leases().open("test")) {
      RefId hurt = state(store, lease, Optional.empty(), "hurt");
      state(store, lease, Optional.of(hurt), "child of hurt");
      state(store, lease, Optional.empty(), "neighbour");
    }
    sql("UPDATE refs SET " + damage + " WHERE description = 'hurt'");
    try (Store store = open();
        Lease lease = store.leases().open("test")) {
      assertThat(names(store)).containsExactly("neighbour");
      state(store, lease, Optional.empty(), "new");
      assertThat(names(store)).containsExactly("neighbour", "new");
    }
    try (Store store = open()) {
      store.refs().prune(new PruneRequest(List.of(), true, Duration.ZERO, 0, 0, 0), _ -> {});
      assertThat(names(store)).isEmpty();
    }
  }

  @Test
  void damageBesideTheStatesCostsNone() throws Exception {
    try (Store store = open();
        Lease lease = store.leases().open("test")) {
      state(store, lease, Optional.empty(), "a");
      store.leases().pin("pin", List.of(Digest.of("blob")));
    }
    sql(
        "UPDATE pins SET digest = 'no digest'",
        "INSERT INTO blob_sources VALUES ('no digest', 'host/repository')",
        "INSERT INTO blobs SELECT id, 'x', 'type', 'no digest', 1, 'none', 0, '', '' FROM refs",
        "INSERT INTO labels SELECT id, '', NULL FROM refs");
    try (Store store = open()) {
      assertThat(names(store)).containsExactly("a");
    }
  }

  @Test
  void aFileThatIsDamagedIsNamedAndLeftAsItIs() throws Exception {
    try (Store store = open();
        Lease lease = store.leases().open("test")) {
      state(store, lease, Optional.empty(), "a");
    }
    try (var file = new RandomAccessFile(temp.resolve("store/records.db").toFile(), "rw")) {
      file.write("not a database at all".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    }
    assertThatThrownBy(this::open)
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("records.db is damaged")
        .hasMessageContaining("move it away");
    assertThatThrownBy(this::open).as("its lock is free").hasMessageContaining("is damaged");
  }
}
