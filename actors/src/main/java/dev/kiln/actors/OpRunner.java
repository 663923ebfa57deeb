package dev.kiln.actors;

import dev.kiln.model.KeyDigest;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Keys and runs the op of one vertex. Made once for a vertex while builds use it; the solver calls
 * each method at most once at a time for equal arguments, and never again after it succeeded, but
 * may call different ones from several threads at once. Methods may block; an interrupt cancels,
 * and the cancelled call may be made again later. What the user can understand is a {@link
 * dev.kiln.model.BuildException}.
 */
public interface OpRunner {
  /**
   * The op's cache map number {@code index}, from 0; asked for the next only where the last one was
   * not {@link CacheMap#complete}.
   */
  CacheMap cacheMap(int index, OpContext context) throws IOException, InterruptedException;

  /** Whether {@link #cacheMap} only computes, so that it may run on a dispatcher thread. */
  default boolean cacheMapIsPure() {
    return false;
  }

  /**
   * Makes the input's result ready, such as by pulling lazy layers; {@code context} reports at the
   * input's vertex. Called where {@link CacheMap.Dep#prepares}.
   */
  default void prepare(int input, Optional<ResultId> result, OpContext context)
      throws IOException, InterruptedException {}

  /**
   * The key of an input by its content, where {@link CacheMap.Dep#hasContentKey}; empty where it
   * turns out to have none.
   */
  default Optional<KeyDigest> contentKey(int input, Optional<ResultId> result, OpContext context)
      throws IOException, InterruptedException {
    return Optional.empty();
  }

  /**
   * Runs the op on the results of its inputs, in their order.
   *
   * @return the outputs in their order, held by the context's lease
   */
  List<Optional<ResultId>> run(List<Optional<ResultId>> inputs, OpContext context)
      throws IOException, InterruptedException;

  /** Whether {@link #run} counts against {@code max-parallelism}. */
  boolean needsPermit();

  /** Whether {@link #run} waits in system calls, so that it needs a platform thread. */
  default boolean runsOnPlatformThread() {
    return false;
  }
}
