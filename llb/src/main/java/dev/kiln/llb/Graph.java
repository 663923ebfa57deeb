package dev.kiln.llb;

import dev.kiln.model.Digest;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A checked definition: the edge to solve and every vertex that it needs, inputs before their
 * consumers. Immutable.
 */
public record Graph(Edge root, Map<Digest, Vertex> vertices) {
  public Graph {
    vertices = Collections.unmodifiableMap(new LinkedHashMap<>(vertices));
    var seen = new java.util.HashSet<Digest>();
    for (Vertex vertex : vertices.values()) {
      for (Edge input : vertex.inputs()) {
        if (!seen.contains(input.vertex())) {
          throw new IllegalArgumentException(vertex + " comes before its input " + input);
        }
      }
      seen.add(vertex.digest());
    }
    if (!seen.contains(root.vertex())) {
      throw new IllegalArgumentException("no vertex for the root " + root);
    }
  }

  /**
   * The vertex known by {@code digest}.
   *
   * @throws IllegalArgumentException where it is not one of this graph's
   */
  public Vertex vertex(Digest digest) {
    Vertex vertex = vertices.get(digest);
    if (vertex == null) {
      throw new IllegalArgumentException("not a vertex of this graph: " + digest);
    }
    return vertex;
  }

  public Vertex rootVertex() {
    return vertex(root.vertex());
  }
}
