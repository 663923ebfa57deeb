package dev.kiln.remotecache.graph;

import dev.kiln.model.StepProgress;
import dev.kiln.store.Layer;

/**
 * One layer of a result that is exported, and how its bytes come into the content store where they
 * are not there yet. Immutable.
 */
public record ChainLayer(Layer layer, Bring bring) {
  /** Brings a layer's blob into the content store, where it may be already; blocks. */
  @FunctionalInterface
  public interface Bring {
    void bring(StepProgress progress) throws InterruptedException;
  }
}
