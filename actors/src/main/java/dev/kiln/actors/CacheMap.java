package dev.kiln.actors;

import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How an op is keyed: its own digest, and how each input counts. Immutable.
 *
 * @param deps one for each input of the vertex, in their order
 * @param complete false where {@link OpRunner#cacheMap} has a further map at the next index; only
 *     ops without inputs may have several
 * @param opts values that travel beside the key and never change it, such as how to fetch lazy
 *     blobs; found again with {@link OpContext#option}
 */
public record CacheMap(
    KeyDigest digest, List<Dep> deps, boolean complete, Map<String, Object> opts) {
  public CacheMap {
    deps = List.copyOf(deps);
    opts = Map.copyOf(opts);
  }

  /** The only map of an op. */
  public static CacheMap of(KeyDigest digest, List<Dep> deps) {
    return new CacheMap(digest, deps, true, Map.of());
  }

  /**
   * How one input counts.
   *
   * @param selector part of the input that counts, in keys made from its definition
   * @param hasContentKey whether {@link OpRunner#contentKey} can key the input by its content
   * @param prepares whether {@link OpRunner#prepare} is to be called with the input's result before
   *     it is keyed by content or used
   */
  public record Dep(Optional<Digest> selector, boolean hasContentKey, boolean prepares) {
    /** An input keyed by its definition alone. */
    public static final Dep PLAIN = new Dep(Optional.empty(), false, false);
  }
}
