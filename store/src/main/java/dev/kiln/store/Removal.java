package dev.kiln.store;

import dev.kiln.model.BuildException;
import dev.kiln.store.records.Database;
import dev.kiln.store.snapshot.Snapshotter;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes records for good: first from memory and database, then, when that is committed, from the
 * disk. A process that dies in between leaves files without a record, which the next start
 * collects.
 */
final class Removal {
  private static final Logger LOG = LoggerFactory.getLogger(Removal.class);
  private final RefTable table;
  private final Database database;
  private final Snapshotter snapshotter;
  private final ContentHashes hashes;
  private final Consumer<RefId> listener;

  Removal(
      RefTable table,
      Database database,
      Snapshotter snapshotter,
      ContentHashes hashes,
      Consumer<RefId> listener) {
    this.table = table;
    this.database = database;
    this.snapshotter = snapshotter;
    this.hashes = hashes;
    this.listener = listener;
  }

  /** Under the table's lock: forgets the record. Its files go with {@link #files}. */
  void forget(RefRecord record) {
    table.remove(record);
  }

  /**
   * Removes the files of forgotten records, each whatever became of the others. Where the database
   * cannot be written, as on a full disk, they go nevertheless: they make the room.
   */
  void files(List<RefRecord> forgotten) throws InterruptedException {
    if (forgotten.isEmpty()) {
      return;
    }
    try {
      database.flush();
    } catch (BuildException e) { // its rows go later; a start before finds them without a layer
      LOG.warn("{} records are removed before that is written down", forgotten.size(), e);
    }
    for (RefRecord record : forgotten) {
      tried(record, () -> hashes.forget(record.id));
      tried(record, () -> listener.accept(record.id));
      if (record.layer != 0 && !record.layerStays) {
        tried(record, () -> snapshotter.remove(record.layer));
      }
    }
  }

  private interface Part {
    void run() throws IOException;
  }

  private static void tried(RefRecord record, Part part) {
    try {
      part.run();
    } catch (IOException | RuntimeException e) { // the next start tries again
      LOG.warn("not all of {} (layer {}) was removed", record.id, record.layer, e);
    }
  }

  /** Forgets a record whose layer another one has taken over. */
  void handedOver(RefRecord record) {
    hashes.forget(record.id);
    listener.accept(record.id);
  }
}
