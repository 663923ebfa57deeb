package dev.kiln.actors;

import dev.kiln.llb.Edge;
import java.util.List;
import java.util.Optional;

/**
 * An edge that was built. Immutable.
 *
 * @param result absent is the empty file system; it is held while the job that solved it is open
 * @param keys the result's cache keys with all that they were made from, for a cache export
 */
public record SolvedEdge(Edge edge, Optional<ResultId> result, List<CacheKey> keys) {
  public SolvedEdge {
    keys = List.copyOf(keys);
  }
}
