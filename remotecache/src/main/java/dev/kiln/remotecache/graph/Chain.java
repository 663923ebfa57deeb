package dev.kiln.remotecache.graph;

import java.time.Instant;
import java.util.List;

/** A result as its layers, bottom first, at least one. Immutable. */
public record Chain(List<ChainLayer> layers, Instant createdAt) {
  public Chain {
    layers = List.copyOf(layers);
    if (layers.isEmpty()) {
      throw new IllegalArgumentException("a result without layers has nothing to export");
    }
  }
}
