package dev.kiln.store.content;

import dev.kiln.model.Digest;
import dev.kiln.store.records.Database;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/** Where blobs came from, in memory and in the database. Any thread. */
public final class SourceNotes {
  public static final List<String> SCHEMA =
      List.of(
          "CREATE TABLE IF NOT EXISTS blob_sources (digest TEXT, source TEXT,"
              + " PRIMARY KEY (digest, source)) WITHOUT ROWID");

  private final Database database;
  private final Map<Digest, SortedSet<String>> notes = new ConcurrentHashMap<>();

  public SourceNotes(Database database) {
    this.database = database;
  }

  /** Reads what was noted before; once, at start. */
  public void load() {
    database.load(
        "SELECT digest, source FROM blob_sources",
        row -> with(new Digest(row.getString("digest")), row.getString("source")));
  }

  private boolean with(Digest digest, String source) {
    boolean[] added = new boolean[1];
    notes.compute(
        digest,
        (d, old) -> {
          var all = old == null ? new TreeSet<String>() : new TreeSet<>(old);
          added[0] = all.add(source);
          return all; // readers hold the old one: never changed in place
        });
    return added[0];
  }

  void add(Digest digest, String source) {
    if (with(digest, source)) {
      database.write("INSERT OR REPLACE INTO blob_sources VALUES (?,?)", digest.value(), source);
    }
  }

  SortedSet<String> of(Digest digest) {
    return Collections.unmodifiableSortedSet(notes.getOrDefault(digest, new TreeSet<>()));
  }

  void forget(Digest digest) {
    if (notes.remove(digest) != null) {
      database.write("DELETE FROM blob_sources WHERE digest = ?", digest.value());
    }
  }
}
