package dev.kiln.actors;

import dev.kiln.llb.Graph;

/** Solves a graph within a vertex: for the same jobs, and with their sessions. */
@FunctionalInterface
public interface SubSolver {
  /**
   * Blocks until the graph's root is built; an interrupt gives it up.
   *
   * @throws dev.kiln.model.BuildException why it could not be built; {@code INVALID} for a graph
   *     that needs the vertex itself, or lies within too many others
   */
  SolvedEdge solve(Graph graph) throws InterruptedException;
}
