package dev.kiln.llb;

import dev.kiln.model.Detail;
import dev.kiln.model.Progress.ProgressGroup;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a client says about a vertex beside its op; never part of a digest or cache key. Immutable.
 *
 * @param ignoreCache build it without a cache lookup
 * @param description free text by key; {@code llb.customname} replaces the vertex's name
 * @param exportCache whether the result goes into an exported cache, where the client says so
 * @param group the vertices with which it is shown as one
 * @param locations where the client's source text asks for it
 */
public record VertexOptions(
    boolean ignoreCache,
    Map<String, String> description,
    Optional<Boolean> exportCache,
    Optional<ProgressGroup> group,
    List<Detail.SourceLocation> locations) {
  /** Nothing said. */
  public static final VertexOptions NONE =
      new VertexOptions(false, Map.of(), Optional.empty(), Optional.empty(), List.of());

  public VertexOptions {
    description = Map.copyOf(description);
    locations = List.copyOf(locations);
  }
}
