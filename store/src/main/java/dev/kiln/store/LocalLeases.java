package dev.kiln.store;

import dev.kiln.model.Digest;
import dev.kiln.store.records.Database;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The leases of this process, over {@link RefTable}'s counts, and the pins in the database. */
final class LocalLeases implements Leases {
  static final List<String> SCHEMA =
      List.of(
          "CREATE TABLE IF NOT EXISTS pins (name TEXT, digest TEXT, PRIMARY KEY (name, digest))"
              + " WITHOUT ROWID");

  private final RefTable table;
  private final Database database;
  private final Set<LocalLease> open = new HashSet<>(); // guarded by the table's lock
  private final Map<Digest, Integer> heldBlobs = new HashMap<>(); // guarded by the table's lock
  private final Map<String, Set<Digest>> pins = new HashMap<>(); // guarded by the table's lock

  LocalLeases(RefTable table, Database database) {
    this.table = table;
    this.database = database;
  }

  void load() {
    database.load(
        "SELECT name, digest FROM pins",
        row ->
            pins.computeIfAbsent(row.getString("name"), k -> new HashSet<>())
                .add(new Digest(row.getString("digest"))));
  }

  @Override
  public Lease open(String name) {
    var lease = new LocalLease(name);
    table.locked(() -> open.add(lease));
    return lease;
  }

  @Override
  public List<String> openNames() {
    return table.locked(() -> open.stream().map(LocalLease::name).sorted().toList());
  }

  @Override
  public void pin(String name, Collection<Digest> blobs) {
    table.locked(() -> {
      unpinLocked(name);
      pins.put(name, new HashSet<>(blobs));
      for (Digest blob : new HashSet<>(blobs)) {
        database.write("INSERT OR REPLACE INTO pins VALUES (?,?)", name, blob.value());
      }
    });
  }

  @Override
  public void unpin(String name) {
    table.locked(() -> unpinLocked(name));
  }

  private void unpinLocked(String name) {
    if (pins.remove(name) != null) {
      database.write("DELETE FROM pins WHERE name = ?", name);
    }
  }

  /** The blobs that leases hold or pins keep. */
  Set<Digest> keptBlobs() {
    return table.locked(() -> {
      var kept = new HashSet<>(heldBlobs.keySet());
      pins.values().forEach(kept::addAll);
      return kept;
    });
  }

  private final class LocalLease implements Lease {
    private final String name;
    private final Map<RefId, RefRecord> held = new HashMap<>();
    private final Set<Digest> blobs = new HashSet<>();
    private boolean closed;

    LocalLease(String name) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public void hold(RefId id) {
      table.locked(() -> {
        if (closed) {
          throw new IllegalStateException("lease " + name + " is closed");
        }
        if (!held.containsKey(id)) {
          RefRecord record = table.require(id);
          record.holders++;
          held.put(id, record);
        }
      });
    }

    @Override
    public void release(RefId id) {
      table.locked(() -> {
        RefRecord record = held.remove(id);
        if (record != null) {
          record.holders--;
        }
      });
    }

    @Override
    public void hold(Digest blob) {
      table.locked(() -> {
        if (!closed && blobs.add(blob)) {
          heldBlobs.merge(blob, 1, Integer::sum);
        }
      });
    }

    @Override
    public boolean holds(RefId id) {
      return table.locked(() -> held.containsKey(id));
    }

    @Override
    public void close() {
      table.locked(() -> {
        closed = true;
        open.remove(this);
        for (RefId id : new ArrayList<>(held.keySet())) {
          release(id);
        }
        for (Digest blob : blobs) {
          heldBlobs.computeIfPresent(blob, (b, n) -> n == 1 ? null : n - 1);
        }
        blobs.clear();
      });
    }
  }
}
