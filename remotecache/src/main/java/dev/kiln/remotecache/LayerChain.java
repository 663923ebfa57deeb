package dev.kiln.remotecache;

import dev.kiln.model.Digest;
import dev.kiln.store.Layer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;

/**
 * Layers on top of each other, one at least. Immutable; chains that begin alike share what they
 * have in common, so those of a cache take no more memory than it has layers.
 */
final class LayerChain {
  private final Optional<LayerChain> below;
  private final Layer top;
  private final String id;

  /** The chain with {@code top} on what is {@code below}, or alone. */
  LayerChain(Optional<LayerChain> below, Layer top) {
    this.below = below;
    this.top = top;
    this.id =
        Digest.of(
                below.map(LayerChain::id).orElse("")
                    + '\n'
                    + top.blob().digest()
                    + top.diffId()
                    + top.createdAt())
            .value();
  }

  /**
   * The layers as a chain.
   *
   * @param layers bottom first
   */
  static LayerChain of(List<Layer> layers) {
    Optional<LayerChain> chain = Optional.empty();
    for (Layer layer : layers) {
      chain = Optional.of(new LayerChain(chain, layer));
    }
    return chain.orElseThrow();
  }

  /** Equal for equal layers of one time. */
  String id() {
    return id;
  }

  /** All layers, bottom first. */
  List<Layer> layers() {
    var all = new ArrayDeque<Layer>();
    for (var at = Optional.of(this); at.isPresent(); at = at.get().below) {
      all.addFirst(at.get().top);
    }
    return List.copyOf(all);
  }
}
