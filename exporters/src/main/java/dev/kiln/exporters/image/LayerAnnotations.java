package dev.kiln.exporters.image;

import dev.kiln.model.Descriptor;
import java.util.TreeMap;

/**
 * What of a layer's annotations is told to others. Stateless. Source: BuildKit v0.22 {@code
 * exporter/containerimage/writer.go}.
 */
public final class LayerAnnotations {
  private LayerAnnotations() {}

  /** The descriptor without what is for the daemon's own use. */
  public static Descriptor shown(Descriptor layer) {
    var shown = new TreeMap<>(layer.annotations());
    shown.keySet().removeIf(LayerAnnotations::isInternal);
    return layer.withAnnotations(shown);
  }

  private static boolean isInternal(String annotation) {
    return annotation.equals("containerd.io/uncompressed")
        || annotation.equals("buildkit/createdat")
        || annotation.startsWith("containerd.io/distribution.source.");
  }
}
