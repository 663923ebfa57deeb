package dev.kiln.remotecache;

import dev.kiln.actors.CacheRecord;
import dev.kiln.actors.OpContext;
import dev.kiln.actors.ResultId;
import dev.kiln.actors.ResultLease;
import dev.kiln.actors.ResultLoader;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.store.BlobSource;
import dev.kiln.store.Layer;
import dev.kiln.store.Lease;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.Store;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** The results of one imported cache: loading one makes a chain of lazy layers. Any thread. */
final class ImportedResults implements ResultLoader {
  private final Store store;
  private final BlobSource origin;
  private final Function<ResultLease, Lease> leases;
  private final Map<String, LayerChain> chains = new ConcurrentHashMap<>();

  ImportedResults(Store store, BlobSource origin, Function<ResultLease, Lease> leases) {
    this.store = store;
    this.origin = origin;
    this.leases = leases;
  }

  /** Makes a result known; equal layers of one time are one result. */
  String add(LayerChain result) {
    String id = result.id();
    if (chains.putIfAbsent(id, result) == null) {
      store.refs().offer(result.layers(), origin);
    }
    return id;
  }

  /** The layers of a record, bottom first. */
  List<Layer> layers(CacheRecord record) {
    LayerChain found = chains.get(record.id());
    if (found == null) {
      throw new BuildException(
          Kind.NOT_FOUND, "no result " + record.id() + " in the imported cache");
    }
    return found.layers();
  }

  BlobSource origin() {
    return origin;
  }

  @Override
  public Optional<ResultId> load(CacheRecord record, OpContext context) {
    RefId top = ref(layers(record), leases.apply(context.lease()));
    return Optional.of(new ResultId(top.value()));
  }

  /** A state whose layers are the lowest ones of a loaded one is there with it. */
  @Override
  public Optional<ResultId> within(CacheRecord loaded, CacheRecord earlier, OpContext context) {
    List<Layer> all = layers(loaded);
    List<Layer> part = layers(earlier);
    boolean below = part.size() <= all.size() && all.subList(0, part.size()).equals(part);
    return below ? load(earlier, context) : Optional.empty();
  }

  /** The layers as a ref. */
  RefId ref(List<Layer> chain, Lease lease) {
    Optional<RefId> top = Optional.empty();
    for (Layer layer : chain) {
      String description =
          layer.description().isEmpty() ? "imported " + layer.blob().digest() : layer.description();
      top =
          Optional.of(
              store
                  .refs()
                  .layer(
                      lease,
                      top,
                      layer,
                      origin,
                      RefOptions.of(description).withCreatedAt(layer.createdAt()))
                  .id());
    }
    return top.orElseThrow();
  }
}
