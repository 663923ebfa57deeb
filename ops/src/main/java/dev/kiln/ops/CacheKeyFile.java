package dev.kiln.ops;

import dev.kiln.actors.CacheLink;
import dev.kiln.actors.CacheRecord;
import dev.kiln.actors.CacheStore;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import dev.kiln.store.records.DamagedFile;
import dev.kiln.store.records.Database;
import dev.kiln.store.records.Schema;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The key graph in one SQLite file. Links that no longer lead to a result are dropped when the file
 * is read, not one by one as results go. A file that cannot be read is set aside and begun anew: a
 * cache may be lost, a start may not (ADR 0012). Any thread; who opened it closes it.
 */
public final class CacheKeyFile implements CacheStore, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CacheKeyFile.class);
  private static final Schema SCHEMA =
      new Schema(
          0x4b6c6e63, // "Klnc"
          "links",
          List.of(
              List.of(
                  "CREATE TABLE IF NOT EXISTS links (from_key TEXT, input INTEGER, digest TEXT,"
                      + " output INTEGER, selector TEXT, to_key TEXT,"
                      + " PRIMARY KEY (from_key, input, digest, output, selector, to_key))"
                      + " WITHOUT ROWID",
                  "CREATE TABLE IF NOT EXISTS results (key TEXT, record TEXT, created INTEGER,"
                      + " PRIMARY KEY (key, record)) WITHOUT ROWID",
                  "CREATE INDEX IF NOT EXISTS results_by_record ON results (record)")));

  private final Database database;
  private final Contents contents;

  private CacheKeyFile(Database database) {
    this.database = database;
    this.contents = load();
  }

  /**
   * Opens the file and reads it. Blocks.
   *
   * @throws BuildException where the disk fails or is full; a damaged file is begun anew
   */
  public static CacheKeyFile open(Path file) {
    try {
      return read(file);
    } catch (BuildException broken) {
      if (!DamagedFile.is(broken)) {
        throw broken;
      }
      try {
        Path aside = DamagedFile.setAside(file);
        LOG.error("the cache's keys in {} cannot be read; kept as {}", file, aside, broken);
      } catch (IOException e) {
        broken.addSuppressed(e);
        throw broken;
      }
      return read(file);
    }
  }

  private static CacheKeyFile read(Path file) {
    Database database = Database.open(file, SCHEMA);
    try {
      return new CacheKeyFile(database);
    } catch (BuildException e) {
      database.close();
      throw e;
    }
  }

  @Override
  public Contents read() {
    return contents;
  }

  private Contents load() {
    var links = new ArrayList<AddLink>();
    var results = new ArrayList<AddResult>();
    database.load(
        "SELECT from_key, input, digest, output, selector, to_key FROM links",
        row -> {
          String selector = row.getString(5);
          links.add(
              new AddLink(
                  row.getString(1),
                  new CacheLink(
                      row.getInt(2),
                      new KeyDigest(row.getString(3)),
                      row.getInt(4),
                      selector.isEmpty() ? Optional.empty() : Optional.of(new Digest(selector))),
                  row.getString(6)));
        });
    database.load(
        "SELECT key, record, created FROM results",
        row ->
            results.add(
                new AddResult(
                    row.getString(1),
                    new CacheRecord(row.getString(2), Instant.ofEpochMilli(row.getLong(3))))));
    Set<String> useful = leadingToResults(links, results);
    var kept = new ArrayList<AddLink>();
    for (AddLink link : links) {
      if (useful.contains(link.to())) {
        kept.add(link);
      } else {
        write(
            "DELETE FROM links WHERE from_key = ? AND input = ? AND digest = ? AND output = ?"
                + " AND selector = ? AND to_key = ?",
            link);
      }
    }
    return new Contents(List.copyOf(kept), List.copyOf(results));
  }

  /** Keys that have a result or lead to a key that has one. */
  private static Set<String> leadingToResults(List<AddLink> links, List<AddResult> results) {
    Map<String, List<String>> sources = new HashMap<>();
    for (AddLink link : links) {
      sources.computeIfAbsent(link.to(), _ -> new ArrayList<>()).add(link.from());
    }
    var useful = new HashSet<String>();
    var open = new ArrayDeque<String>();
    results.forEach(result -> open.add(result.key()));
    while (!open.isEmpty()) {
      String key = open.poll();
      if (useful.add(key)) {
        open.addAll(sources.getOrDefault(key, List.of()));
      }
    }
    return useful;
  }

  @Override
  public CompletionStage<Void> write(List<Change> changes) {
    for (Change change : changes) {
      switch (change) {
        case AddLink link -> write("INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?, ?, ?)", link);
        case AddResult(String key, CacheRecord record) ->
            database.write(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?)",
                key,
                record.id(),
                record.createdAt().toEpochMilli());
        case DropResult(String recordId) ->
            database.write("DELETE FROM results WHERE record = ?", recordId);
      }
    }
    return database.committed();
  }

  private void write(String sql, AddLink add) {
    CacheLink link = add.link();
    database.write(
        sql,
        add.from(),
        link.input(),
        link.digest().value(),
        link.output(),
        link.selector().map(Digest::value).orElse(""),
        add.to());
  }

  @Override
  public void close() {
    database.close();
  }
}
