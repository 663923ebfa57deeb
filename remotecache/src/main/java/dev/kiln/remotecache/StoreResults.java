package dev.kiln.remotecache;

import dev.kiln.actors.CacheKey.Found;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.remotecache.graph.CacheWalk;
import dev.kiln.remotecache.graph.ChainLayer;
import dev.kiln.store.Compression;
import dev.kiln.store.Layer;
import dev.kiln.store.LayerOptions;
import dev.kiln.store.Lease;
import dev.kiln.store.RefId;
import dev.kiln.store.Store;
import java.util.List;
import java.util.Optional;

/**
 * The layers of results, packed as one export asks: those of the local cache by the store, those of
 * an imported one as they lie there. Confined to one thread; blocks.
 *
 * @param lease holds what is exported
 */
record StoreResults(Store store, Compression compression, Lease lease, StepProgress progress)
    implements CacheWalk.Results {
  @Override
  public Optional<List<ChainLayer>> layers(Found found, boolean make) throws InterruptedException {
    if (found.table().loader() instanceof ImportedResults imported) {
      return imported(imported, imported.layers(found.record()), make);
    }
    if (found.record().result().isEmpty()) {
      return Optional.empty(); // the empty file system
    }
    var id = new RefId(found.record().id());
    try {
      store.refs().get(lease, id);
      return ofRef(id, make);
    } catch (BuildException e) {
      if (e.kind() == Kind.NOT_FOUND) {
        return Optional.empty(); // collected, or lazy and out of reach
      }
      throw e;
    }
  }

  private Optional<List<ChainLayer>> ofRef(RefId id, boolean make) throws InterruptedException {
    LayerOptions options = LayerOptions.of(compression);
    Optional<List<Layer>> layers =
        make
            ? Optional.of(store.refs().layers(id, options, progress))
            : store.refs().knownLayers(id, options);
    layers.ifPresent(all -> all.forEach(layer -> lease.hold(layer.blob().digest())));
    return layers.map(all ->
        all.stream()
            .map(layer -> new ChainLayer(layer, at -> store.refs().fetchBlobs(id, at)))
            .toList());
  }

  private Optional<List<ChainLayer>> imported(
      ImportedResults from, List<Layer> layers, boolean make) throws InterruptedException {
    boolean fits =
        !compression.force()
            || layers.stream()
                .allMatch(l -> Compression.kindOf(l.blob().mediaType()) == compression.kind());
    if (!fits) {
      return make ? ofRef(from.ref(layers, lease), true) : Optional.empty();
    }
    layers.forEach(layer -> lease.hold(layer.blob().digest()));
    return Optional.of(
        layers.stream()
            .map(layer ->
                new ChainLayer(layer, at -> from.origin().fetch(layer.blob(), store.content(), at)))
            .toList());
  }
}
