package dev.kiln.remotecache;

import dev.kiln.actors.CacheLink;
import dev.kiln.actors.CacheRecord;
import dev.kiln.actors.CacheTable;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import dev.kiln.remotecache.graph.CacheConfig;
import dev.kiln.store.Layer;
import java.util.ArrayDeque;
import java.util.HashMap;
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
    var chains = new Chains(config, layers);
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
        chains
            .of(result)
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

  /** The chains of one config, each layer of it in one. */
  private record Chains(
      CacheConfig config, List<Optional<Layer>> layers, Map<Integer, Optional<LayerChain>> known) {
    Chains(CacheConfig config, List<Optional<Layer>> layers) {
      this(config, layers, new HashMap<>());
    }

    /** Empty where a layer is absent. */
    Optional<LayerChain> of(CacheConfig.Result result) {
      return switch (result) {
        case CacheConfig.Top(var top, var _) -> upTo(top);
        case CacheConfig.Pieces(var pieces, var _) -> {
          List<Layer> all = pieces.stream().flatMap(at -> layers.get(at).stream()).toList();
          yield all.isEmpty() || all.size() < pieces.size()
              ? Optional.empty()
              : Optional.of(LayerChain.of(all));
        }
      };
    }

    private Optional<LayerChain> upTo(int top) {
      var way = new ArrayDeque<Integer>();
      int at = top;
      while (at != CacheConfig.NO_PARENT && !known.containsKey(at)) {
        way.push(at);
        at = config.layers().get(at).parent();
      }
      boolean grounded = at == CacheConfig.NO_PARENT;
      Optional<LayerChain> chain = known.getOrDefault(at, Optional.empty());
      for (int next : way) {
        Optional<LayerChain> below = chain;
        chain =
            grounded || below.isPresent()
                ? layers.get(next).map(layer -> new LayerChain(below, layer))
                : Optional.empty();
        grounded = false;
        known.put(next, chain);
      }
      return chain;
    }
  }
}
