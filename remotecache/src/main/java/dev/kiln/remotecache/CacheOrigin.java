package dev.kiln.remotecache;

import dev.kiln.model.Descriptor;
import dev.kiln.model.ImageRef;
import dev.kiln.model.StepProgress;
import dev.kiln.sources.image.ImageOrigin;
import dev.kiln.store.BlobSource;
import dev.kiln.store.content.ContentStore;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Where one imported cache lies. Immutable, any thread; calls block.
 *
 * @param sessions who may answer for it
 */
record CacheOrigin(ImageOrigin origin, ImageRef ref, List<String> sessions) implements BlobSource {
  Descriptor top(StepProgress progress) throws IOException, InterruptedException {
    return origin.resolve(ref, sessions, progress);
  }

  byte[] small(Descriptor blob, StepProgress progress) throws IOException, InterruptedException {
    return origin.small(ref, blob, sessions, progress);
  }

  @Override
  public void fetch(Descriptor blob, ContentStore into, StepProgress progress)
      throws InterruptedException {
    origin.fetch(ref, blob, sessions, into, progress);
  }

  @Override
  public boolean isReachable() {
    return origin.isReachable(sessions);
  }

  Optional<String> repository() {
    return origin.repository(ref);
  }
}
