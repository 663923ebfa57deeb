package dev.kiln.ops;

import dev.kiln.model.Digest;
import dev.kiln.sources.Material;
import java.util.Optional;

/**
 * What the source vertices of recent builds resolved to, for their provenance. A source's key is
 * asked for in every build that has it, so what is dropped here comes back before it is needed. Any
 * thread.
 */
public final class Materials {
  private final Recent<Material> known = new Recent<>(20_000);

  void put(Digest vertex, Material material) {
    known.put(vertex, material);
  }

  public Optional<Material> of(Digest vertex) {
    return known.of(vertex);
  }
}
