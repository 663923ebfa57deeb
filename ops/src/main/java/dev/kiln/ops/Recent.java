package dev.kiln.ops;

import dev.kiln.model.Digest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** What is known of the vertices used last; the others are forgotten. Any thread. */
public final class Recent<V> {
  private final Map<Digest, V> known;

  /**
   * @param limit how many vertices are remembered
   */
  public Recent(int limit) {
    this.known =
        new LinkedHashMap<>(64, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<Digest, V> eldest) {
            return size() > limit;
          }
        };
  }

  public synchronized void put(Digest vertex, V what) {
    known.put(vertex, what);
  }

  public synchronized Optional<V> of(Digest vertex) {
    return Optional.ofNullable(known.get(vertex));
  }
}
