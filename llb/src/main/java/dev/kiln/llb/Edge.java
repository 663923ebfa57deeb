package dev.kiln.llb;

import dev.kiln.model.Digest;

/** One output of a vertex, what other vertices take as input. Immutable. */
public record Edge(Digest vertex, int index) {
  public Edge {
    if (index < 0) {
      throw new IllegalArgumentException("edge of " + vertex + " has the index " + index);
    }
  }
}
