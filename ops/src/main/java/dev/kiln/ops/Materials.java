package dev.kiln.ops;

import dev.kiln.model.Digest;
import dev.kiln.sources.Material;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What the source vertices of recent builds resolved to, for their provenance. A source's key is
 * asked for in every build that has it, so what is dropped here comes back before it is needed. Any
 * thread.
 */
public final class Materials {
  private static final int LIMIT = 20_000;
  private final Map<Digest, Material> known =
      new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, Material> eldest) {
          return size() > LIMIT;
        }
      };

  synchronized void put(Digest vertex, Material material) {
    known.put(vertex, material);
  }

  public synchronized Optional<Material> of(Digest vertex) {
    return Optional.ofNullable(known.get(vertex));
  }
}
