package dev.kiln.actors;

import dev.kiln.llb.Vertex;

/** Finds the runner of an op. Any thread, does not block. */
@FunctionalInterface
public interface OpRunners {
  /**
   * @throws dev.kiln.model.BuildException where this daemon cannot run the op
   */
  OpRunner runner(Vertex vertex);
}
