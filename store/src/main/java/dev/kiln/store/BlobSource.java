package dev.kiln.store;

import dev.kiln.model.Descriptor;
import dev.kiln.model.StepProgress;
import dev.kiln.store.content.ContentStore;

/**
 * Brings a lazy layer's blob when it is needed at last: usually a registry. Any thread, many at
 * once; blocks.
 */
@FunctionalInterface
public interface BlobSource {
  /** Puts the blob into {@code into}, where it may be already. */
  void fetch(Descriptor blob, ContentStore into, StepProgress progress) throws InterruptedException;

  /** Whether there is still somebody to ask, such as a client of the build; does not block. */
  default boolean isReachable() {
    return true;
  }
}
