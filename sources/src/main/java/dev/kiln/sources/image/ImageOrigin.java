package dev.kiln.sources.image;

import dev.kiln.model.Descriptor;
import dev.kiln.model.ImageRef;
import dev.kiln.model.StepProgress;
import dev.kiln.store.content.ContentStore;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Where an image's bytes come from: a registry, or a content store that a client lends. */
public interface ImageOrigin {
  /**
   * The descriptor of manifest or index that the reference names now.
   *
   * @throws dev.kiln.model.BuildException {@code NOT_FOUND}
   */
  Descriptor resolve(ImageRef ref, List<String> sessions, StepProgress progress)
      throws IOException, InterruptedException;

  /** The verified bytes of a manifest or configuration. */
  byte[] small(ImageRef ref, Descriptor blob, List<String> sessions, StepProgress progress)
      throws IOException, InterruptedException;

  /** Puts a layer into {@code into}; it may have arrived there meanwhile. */
  void fetch(
      ImageRef ref,
      Descriptor blob,
      List<String> sessions,
      ContentStore into,
      StepProgress progress)
      throws InterruptedException;

  /** Whether one of the sessions that are needed to fetch is still there; does not block. */
  boolean isReachable(List<String> sessions);

  /** {@code host/repository} from which others may take the blobs; empty for a client's store. */
  Optional<String> repository(ImageRef ref);
}
