package dev.kiln.store;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.store.records.Database;
import java.security.SecureRandom;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * All records, in memory and in the database: reads come from memory, changes go to both.
 * Everything happens under one lock, which is held for memory work only, never for disk or mounts.
 */
final class RefTable {
  static final List<String> SCHEMA =
      List.of(
          "CREATE TABLE IF NOT EXISTS refs (id TEXT PRIMARY KEY, seq INTEGER, kind TEXT,"
              + " parents TEXT, layer INTEGER, chain_id TEXT, name TEXT, type TEXT,"
              + " description TEXT, created INTEGER, last_used INTEGER, usage_count INTEGER,"
              + " size INTEGER) WITHOUT ROWID",
          "CREATE TABLE IF NOT EXISTS blobs (ref TEXT, variant TEXT, media_type TEXT,"
              + " digest TEXT, size INTEGER, diff_id TEXT, created INTEGER, sources TEXT,"
              + " annotations TEXT, PRIMARY KEY (ref, variant)) WITHOUT ROWID",
          "CREATE TABLE IF NOT EXISTS labels (ref TEXT, key TEXT, value TEXT,"
              + " PRIMARY KEY (ref, key)) WITHOUT ROWID",
          "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID");

  /** The variant under which the pulled blob of an image layer is kept. */
  static final String PULLED = "pulled";

  private static final SecureRandom RANDOM = new SecureRandom();

  private final Database database;
  private final Clock clock;
  final ReentrantLock lock = new ReentrantLock();

  /** Signalled when a claim of a named state ends. */
  final Condition claimEnded = lock.newCondition();

  final ImageLayers imageLayers = new ImageLayers(this);

  private final Map<RefId, RefRecord> records = new HashMap<>();
  private final Map<String, List<RefRecord>> byKey = new HashMap<>();
  private final Map<String, Set<RefRecord>> byLabel = new HashMap<>();
  private long lastSeq;

  RefTable(Database database, Clock clock) {
    this.database = database;
    this.clock = clock;
  }

  /** Runs a piece of memory work under the lock. */
  <T> T locked(Supplier<T> work) {
    lock.lock();
    try {
      return work.get();
    } finally {
      lock.unlock();
    }
  }

  void locked(Runnable work) {
    lock.lock();
    try {
      work.run();
    } finally {
      lock.unlock();
    }
  }

  Instant now() {
    return clock.instant();
  }

  static RefId newId() {
    String text = new java.math.BigInteger(128, RANDOM).toString(36);
    return new RefId("0".repeat(25 - text.length()) + text);
  }

  // --- loading -----------------------------------------------------------------------------------

  /**
   * Reads everything.
   *
   * @param durable records after it are dropped: the machine died before their files were on disk
   */
  void load(long durable) {
    record Row(RefRecord record, List<String> parents) {}
    var rows = new HashMap<String, Row>();
    var dropped = new ArrayList<String>();
    database.load(
        "SELECT * FROM refs ORDER BY seq",
        row -> {
          RefRecord record = read(row);
          lastSeq = Math.max(lastSeq, record.seq);
          if (record.seq > durable) {
            dropped.add(record.id.value());
          } else {
            String parents = row.getString("parents");
            rows.put(
                record.id.value(),
                new Row(record, parents.isEmpty() ? List.of() : List.of(parents.split(","))));
          }
        });
    boolean again = true;
    while (again) { // who lost a parent goes too
      again =
          rows.entrySet()
              .removeIf(e -> {
                boolean orphan = !rows.keySet().containsAll(e.getValue().parents());
                if (orphan) {
                  dropped.add(e.getKey());
                }
                return orphan;
              });
    }
    for (Row row : rows.values()) {
      row.record().parents =
          row.parents().stream()
              .map(p -> java.util.Objects.requireNonNull(rows.get(p)).record())
              .toList();
      enter(row.record());
    }
    database.load("SELECT * FROM blobs", this::readBlob);
    records.values().forEach(imageLayers::claim);
    database.load(
        "SELECT * FROM labels",
        row -> {
          RefRecord record = records.get(new RefId(row.getString("ref")));
          if (record != null) {
            index(record, row.getString("key"), row.getString("value"));
          }
        });
    dropped.forEach(this::deleteRows);
  }

  private static RefRecord read(ResultSet row) throws SQLException {
    var record =
        new RefRecord(
            new RefId(row.getString("id")),
            RefRecord.Kind.valueOf(row.getString("kind")),
            List.of(),
            RecordType.named(row.getString("type")).orElse(RecordType.REGULAR),
            row.getString("description"),
            time(row));
    record.seq = row.getLong("seq");
    record.layer = row.getLong("layer");
    record.chainId = Optional.ofNullable(row.getString("chain_id")).map(Digest::new);
    record.key = Optional.ofNullable(row.getString("name"));
    long used = row.getLong("last_used");
    record.lastUsedAt = used == 0 ? null : instant(used);
    record.usageCount = row.getInt("usage_count");
    record.sizeBytes = row.getLong("size");
    return record;
  }

  private void readBlob(ResultSet row) throws SQLException {
    RefRecord record = records.get(new RefId(row.getString("ref")));
    if (record == null) {
      return;
    }
    String sources = row.getString("sources");
    var layer =
        new Layer(
            new Descriptor(
                    row.getString("media_type"),
                    new Digest(row.getString("digest")),
                    row.getLong("size"))
                .withAnnotations(AnnotationText.read(row.getString("annotations"))),
            new Digest(row.getString("diff_id")),
            time(row),
            record.description,
            sources.isEmpty() ? new TreeSet<>() : new TreeSet<>(List.of(sources.split("\n"))));
    if (row.getString("variant").equals(PULLED)) {
      record.pulled = Optional.of(layer);
    } else {
      record.blobs.put(row.getString("variant"), layer);
    }
  }

  /** Images tell times of all ages; those that a number does not hold are kept as text. */
  private static Object time(Instant at) {
    try {
      return nanos(at);
    } catch (ArithmeticException e) {
      return at.toString();
    }
  }

  private static Instant time(ResultSet row) throws SQLException {
    return row.getObject("created") instanceof String text
        ? Instant.parse(text)
        : instant(row.getLong("created"));
  }

  private static Instant instant(long nanos) {
    return Instant.ofEpochSecond(
        Math.floorDiv(nanos, 1_000_000_000L), Math.floorMod(nanos, 1_000_000_000L));
  }

  private static long nanos(@Nullable Instant instant) {
    return instant == null
        ? 0
        : Math.multiplyExact(instant.getEpochSecond(), 1_000_000_000L) + instant.getNano();
  }

  // --- changes: all under the lock
  // -----------------------------------------------------------------

  /** Takes in a new record and writes it down. */
  void add(RefRecord record) {
    enter(record);
    save(record);
  }

  private void enter(RefRecord record) {
    records.put(record.id, record);
    record.parents.forEach(parent -> parent.children.add(record));
    imageLayers.enter(record);
    record.key.ifPresent(key -> byKey.computeIfAbsent(key, k -> new ArrayList<>()).add(record));
  }

  /** Writes down how the record is now. */
  void save(RefRecord r) {
    r.seq = ++lastSeq;
    database.write(
        "INSERT OR REPLACE INTO refs VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        r.id.value(),
        r.seq,
        r.kind.name(),
        String.join(",", r.parents.stream().map(p -> p.id.value()).toList()),
        r.layer,
        r.chainId.<Object>map(Digest::value).orElse(Database.NULL),
        r.key.<Object>map(k -> k).orElse(Database.NULL),
        r.type.wireName(),
        r.description,
        time(r.createdAt),
        nanos(r.lastUsedAt),
        r.usageCount,
        r.sizeBytes);
  }

  /** Writes down a use, which does not change what the record holds. */
  void touch(RefRecord r) {
    r.lastUsedAt = now();
    r.usageCount++;
    database.write(
        "UPDATE refs SET last_used = ?, usage_count = ? WHERE id = ?",
        nanos(r.lastUsedAt),
        r.usageCount,
        r.id.value());
  }

  void saveSize(RefRecord r, long sizeBytes) {
    r.sizeBytes = sizeBytes;
    database.write("UPDATE refs SET size = ? WHERE id = ?", sizeBytes, r.id.value());
  }

  /** Keeps a packed form of the record's layer. */
  void saveBlob(RefRecord r, String variant, Layer layer) {
    if (variant.equals(PULLED)) {
      r.pulled = Optional.of(layer);
    } else {
      r.blobs.put(variant, layer);
    }
    database.write(
        "INSERT OR REPLACE INTO blobs VALUES (?,?,?,?,?,?,?,?,?)",
        r.id.value(),
        variant,
        layer.blob().mediaType(),
        layer.blob().digest().value(),
        layer.blob().sizeBytes(),
        layer.diffId().value(),
        time(layer.createdAt()),
        String.join("\n", layer.sources()),
        AnnotationText.of(layer.blob().annotations()));
  }

  void label(RefRecord r, String key, String value) {
    index(r, key, value);
    database.write("INSERT OR REPLACE INTO labels VALUES (?,?,?)", r.id.value(), key, value);
  }

  private void index(RefRecord r, String key, String value) {
    r.labels.put(key, value);
    byLabel.computeIfAbsent(key, k -> new HashSet<>()).add(r);
  }

  private void unindex(RefRecord r, String key) {
    byLabel.computeIfPresent(
        key,
        (k, all) -> {
          all.remove(r);
          return all.isEmpty() ? null : all;
        });
  }

  /** The records with that label, the newest first. */
  List<RefRecord> labelled(String key) {
    return byLabel.getOrDefault(key, Set.of()).stream()
        .sorted(Comparator.comparing((RefRecord r) -> r.createdAt).reversed())
        .toList();
  }

  /** The keys of the named states. */
  Set<String> keys() {
    return Set.copyOf(byKey.keySet());
  }

  /** Takes the name from a named state, which stays a record. */
  void unname(RefRecord r) {
    r.key.ifPresent(key -> unkey(r, key));
    r.key = Optional.empty();
    save(r);
  }

  private void unkey(RefRecord r, String key) {
    byKey.computeIfPresent(
        key,
        (k, all) -> {
          all.remove(r);
          return all.isEmpty() ? null : all;
        });
  }

  /** Gives a record other parents (a named state that was frozen or thawed). */
  void reparent(RefRecord r, List<RefRecord> parents) {
    r.parents.forEach(parent -> parent.children.remove(r));
    r.parents = List.copyOf(parents);
    r.parents.forEach(parent -> parent.children.add(r));
  }

  /** Forgets a record without children or holders; its files are the caller's to remove. */
  void remove(RefRecord r) {
    if (!r.children.isEmpty() || r.holders > 0) {
      throw new IllegalStateException(r + " is in use");
    }
    r.removed = true;
    records.remove(r.id);
    r.parents.forEach(parent -> parent.children.remove(r));
    imageLayers.leave(r);
    r.key.ifPresent(key -> unkey(r, key));
    r.labels.keySet().forEach(key -> unindex(r, key));
    deleteRows(r.id.value());
  }

  private void deleteRows(String id) {
    database.write("DELETE FROM refs WHERE id = ?", id);
    database.write("DELETE FROM blobs WHERE ref = ?", id);
    database.write("DELETE FROM labels WHERE ref = ?", id);
  }

  // --- queries: all under the lock
  // -----------------------------------------------------------------

  RefRecord require(RefId id) {
    RefRecord record = records.get(id);
    if (record == null) {
      throw new BuildException(Kind.NOT_FOUND, "no such ref: " + id);
    }
    return record;
  }

  Optional<RefRecord> find(RefId id) {
    return Optional.ofNullable(records.get(id));
  }

  List<RefRecord> named(String key) {
    return List.copyOf(byKey.getOrDefault(key, List.of()));
  }

  Collection<RefRecord> all() {
    return List.copyOf(records.values());
  }

  long seq() {
    return lastSeq;
  }
}
