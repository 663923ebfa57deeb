package dev.kiln.sources.image;

import dev.kiln.model.Descriptor;
import dev.kiln.model.ImageRef;
import dev.kiln.model.StepProgress;
import dev.kiln.sources.SourceContext;
import dev.kiln.store.BlobSource;
import dev.kiln.store.content.ContentStore;
import java.util.List;

/**
 * Brings an image's layers with the sessions of the builds that want the image at that time; once
 * none does any more, with those that wanted it at last. Any thread.
 */
final class LayerSource implements BlobSource {
  private final ImageOrigin origin;
  private final ImageRef ref;
  private final SourceContext context;
  private volatile List<String> latest;

  LayerSource(ImageOrigin origin, ImageRef ref, SourceContext context) {
    this.origin = origin;
    this.ref = ref;
    this.context = context;
    this.latest = context.sessionIds();
  }

  private List<String> sessions() {
    List<String> now = context.sessionIds();
    if (!now.isEmpty()) {
      latest = now;
    }
    return latest;
  }

  @Override
  public void fetch(Descriptor blob, ContentStore into, StepProgress progress)
      throws InterruptedException {
    origin.fetch(ref, blob, sessions(), into, progress);
  }

  @Override
  public boolean isReachable() {
    return origin.isReachable(sessions());
  }
}
