package dev.kiln.remotecache;

import dev.kiln.actors.CacheLink;
import dev.kiln.actors.CacheRecord;
import dev.kiln.actors.CacheTable;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import dev.kiln.remotecache.graph.CacheConfig;
import dev.kiln.store.Layer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Fills a table with what configs tell. Confined to one thread until the table is used. */
final class ImportedTable {
  private final CacheTable table;
  private final ImportedResults results;
  private int parts;

  /**
   * @param id of the cache, for the table
   */
  ImportedTable(String id, ImportedResults results) {
    this.results = results;
    this.table = CacheTable.imported(id, results);
  }

  CacheTable table() {
    return table;
  }

  /**
   * Adds one config.
   *
   * @param layers those that can be had; results that need others are left out
   */
  void add(CacheConfig config, Map<Digest, Layer> layers) {
    int part = parts++;
    for (int i = 0; i < config.records().size(); i++) {
      CacheConfig.Record record = config.records().get(i);
      String key = key(config, part, i);
      for (int input = 0; input < record.inputs().size(); input++) {
        for (CacheConfig.Input from : record.inputs().get(input)) {
          table.addLink(
              key(config, part, from.record()),
              CacheLink.outside(input, KeyDigest.of(record.digest()), from.selector()),
              key);
        }
      }
      for (CacheConfig.Result result : record.results()) {
        layers(config.blobs(result), layers)
            .ifPresent(chain ->
                table.addResult(key, new CacheRecord(results.add(chain), result.createdAt())));
      }
    }
  }

  /** A key without inputs is known by its digest everywhere, others by their place. */
  private static String key(CacheConfig config, int part, int record) {
    CacheConfig.Record of = config.records().get(record);
    return of.inputs().isEmpty() ? of.digest().value() : part + ":" + record;
  }

  private static Optional<List<Layer>> layers(List<Digest> blobs, Map<Digest, Layer> known) {
    var all = new ArrayList<Layer>();
    for (Digest blob : blobs) {
      Layer layer = known.get(blob);
      if (layer == null) {
        return Optional.empty();
      }
      all.add(layer);
    }
    return all.isEmpty() ? Optional.empty() : Optional.of(all);
  }
}
