package dev.kiln.store;

import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import java.util.Optional;

/**
 * What an image or a cache says of a layer and of those below it, as one digest: by it image layers
 * are known. Nobody has verified it, so who says anything else of the same layer has another ref;
 * refs share only what was verified, blobs by their digest and directories by their chain id. What
 * would show in an exported image counts, so that each keeps its own. Stateless.
 */
final class LayerClaim {
  private LayerClaim() {}

  /**
   * @param below the image layer below it
   */
  static Digest of(Optional<RefRecord> below, Layer layer) {
    Descriptor blob = layer.blob();
    String parent =
        below
            .map(b ->
                b.claim.orElseThrow(() ->
                    new IllegalArgumentException("an image layer on " + b.id + ", which is none")))
            .map(Digest::value)
            .orElse("");
    return Digest.of(
        String.join(
            "\n",
            parent,
            blob.digest().value(),
            Long.toString(blob.sizeBytes()),
            layer.diffId().value(),
            layer.createdAt().toString(),
            AnnotationText.of(blob.annotations()), // one line each, so it cannot run on
            blob.mediaType()));
  }
}
