package dev.kiln.remotecache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.actors.CacheTable;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.remotecache.graph.CacheConfig;
import dev.kiln.store.Layer;
import dev.kiln.store.LocalStore;
import dev.kiln.store.StoreOptions;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a config says becomes a table, whatever its size. */
class ImportedTableTest {
  @TempDir Path folder;

  private static Layer layer(String name) {
    return new Layer(
        new Descriptor(MediaTypes.OCI_LAYER_GZIP, Digest.of("blob " + name), 10),
        Digest.of("diff " + name),
        Instant.EPOCH,
        "",
        new TreeSet<>());
  }

  private static CacheConfig.Record record(String name, CacheConfig.Result... results) {
    return new CacheConfig.Record(Digest.of(name), List.of(results), List.of());
  }

  private static CacheConfig.Layer on(Layer layer, int parent) {
    return new CacheConfig.Layer(layer.blob().digest(), parent, Optional.empty());
  }

  private CacheTable table(LocalStore store, CacheConfig config, Map<Digest, Layer> blobs) {
    var results =
        new ImportedResults(
            store,
            (blob, into, progress) -> {
              throw new UnsupportedOperationException();
            },
            of -> {
              throw new UnsupportedOperationException();
            });
    var table = new ImportedTable("test", results);
    table.add(config, blobs);
    return table.table();
  }

  private static List<Layer> layers(CacheTable table, String record) {
    return ((ImportedResults) table.loader())
        .layers(table.records(Digest.of(record).value()).getFirst());
  }

  /** Each result of its own chain would be 50 million references. */
  @Test
  @Timeout(60)
  void resultsOnEachOtherShareTheirLayers() throws Exception {
    int steps = 10_000;
    var blobs = new HashMap<Digest, Layer>();
    var layers = new ArrayList<CacheConfig.Layer>();
    var records = new ArrayList<CacheConfig.Record>();
    for (int i = 0; i < steps; i++) {
      Layer layer = layer("l" + i);
      blobs.put(layer.blob().digest(), layer);
      layers.add(on(layer, i - 1));
      records.add(record("r" + i, new CacheConfig.Top(i, Instant.EPOCH)));
    }
    try (var store = LocalStore.open(StoreOptions.of(folder, "native"))) {
      CacheTable table = table(store, new CacheConfig(layers, records), blobs);
      assertThat(layers(table, "r0")).containsExactly(layer("l0"));
      assertThat(layers(table, "r" + (steps - 1)))
          .hasSize(steps)
          .startsWith(layer("l0"), layer("l1"))
          .endsWith(layer("l" + (steps - 1)));
    }
  }

  @Test
  void resultsOnAbsentLayersAreLeftOut() throws Exception {
    Layer a = layer("a");
    Layer b = layer("b");
    Layer c = layer("c");
    var config =
        new CacheConfig(
            List.of(on(a, -1), on(b, 0), on(c, 1)),
            List.of(
                record("a", new CacheConfig.Top(0, Instant.EPOCH)),
                record("c", new CacheConfig.Top(2, Instant.EPOCH)),
                record("pieces", new CacheConfig.Pieces(List.of(2, 0), Instant.EPOCH)),
                record("gap", new CacheConfig.Pieces(List.of(0, 1), Instant.EPOCH))));
    try (var store = LocalStore.open(StoreOptions.of(folder, "native"))) {
      CacheTable table = table(store, config, Map.of(a.blob().digest(), a, c.blob().digest(), c));
      assertThat(layers(table, "a")).containsExactly(a);
      assertThat(table.records(Digest.of("c").value())).isEmpty();
      assertThat(layers(table, "pieces")).containsExactly(c, a);
      assertThat(table.records(Digest.of("gap").value())).isEmpty();
    }
  }
}
