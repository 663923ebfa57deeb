package dev.kiln.actors;

import dev.kiln.tracing.Blocking;
import java.util.concurrent.Callable;

/**
 * The workers that run steps, for what is none of a vertex: the processes of frontends and of their
 * containers. Any thread.
 */
@FunctionalInterface
public interface StepWorkers {
  /**
   * Does {@code work} on a platform thread of a worker's, beside the slots of steps and counted
   * with them. The task ends whatever becomes of the work or of the worker.
   *
   * @param name of the thread
   */
  <T> Blocking.Task<T> beside(String name, Callable<T> work);
}
