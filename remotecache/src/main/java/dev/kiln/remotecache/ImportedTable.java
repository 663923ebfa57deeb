package dev.kiln.remotecache;

import dev.kiln.actors.CacheLink;
import dev.kiln.actors.CacheRecord;
import dev.kiln.actors.CacheTable;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import dev.kiln.remotecache.graph.CacheConfig;
import dev.kiln.store.Layer;
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
   * Adds one config whose layers a manifest tells.
   *
   * @param blobs those that can be had; results that need others are left out
   */
  void add(CacheConfig config, Map<Digest, Layer> blobs) {
    add(
        config,
        config.layers().stream()
            .map(layer -> Optional.ofNullable(blobs.get(layer.blob())).map(l -> own(layer, l)))
            .toList());
  }

  /** A blob that several steps made has a time for each. */
  private static Layer own(CacheConfig.Layer layer, Layer blob) {
    return layer.about().map(about -> blob.createdAt(about.createdAt())).orElse(blob);
  }

  /**
   * Adds one config.
   *
   * @param layers by their position in the config; results that need absent ones are left out
   */
  void add(CacheConfig config, List<Optional<Layer>> layers) {
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
        layers(config.positions(result), layers)
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

  private static Optional<List<Layer>> layers(
      List<Integer> positions, List<Optional<Layer>> layers) {
    List<Layer> all = positions.stream().flatMap(at -> layers.get(at).stream()).toList();
    return all.isEmpty() || all.size() < positions.size() ? Optional.empty() : Optional.of(all);
  }
}
