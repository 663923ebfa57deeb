package dev.kiln.exporters.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.Platform;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** the digests are those of what Go's OCI types marshal. */
class ManifestsTest {
  private static final Digest ANY = Digest.of("x");
  private static final Descriptor CONFIG = new Descriptor(MediaTypes.OCI_CONFIG, ANY, 12);

  private static String digest(byte[] json) {
    return Digest.of(json).hex();
  }

  @Test
  void manifestWithLayersAndAnnotations() {
    Descriptor layer =
        new Descriptor(MediaTypes.OCI_LAYER_GZIP, ANY, 3)
            .withAnnotations(Map.of("b", "<2>", "a", "1"));
    assertThat(
            digest(
                Manifests.manifest(
                    MediaTypes.OCI_MANIFEST, CONFIG, List.of(layer), Map.of("k", "v"))))
        .isEqualTo("7518126b026a9246146e7bdfbfc74d49c9fa6c75853be1339a23bbe8b6ea1e33");
  }

  @Test
  void manifestWithoutLayers() {
    assertThat(digest(Manifests.manifest(MediaTypes.OCI_MANIFEST, CONFIG, List.of(), Map.of())))
        .isEqualTo("46f9b522c6eceddf76ea3777f80c6eee2bea1a8dec48597a20df91647bcd6d51");
  }

  @Test
  void artifactAndIndex() {
    Descriptor subject =
        new Descriptor(MediaTypes.OCI_MANIFEST, ANY, 7)
            .withPlatform(new Platform("linux", "arm", "v7"));
    Descriptor layer = new Descriptor(MediaTypes.IN_TOTO, ANY, 3);
    assertThat(digest(Manifests.artifact(MediaTypes.OCI_MANIFEST, List.of(layer), subject)))
        .isEqualTo("5ad84a0db38079c88d841b971a1b8e81fdc30686ec62c7482ff02cdb913d1ff4");
    assertThat(digest(Manifests.index(MediaTypes.OCI_INDEX, List.of(subject), Map.of("x", "y"))))
        .isEqualTo("2ee486212e91a1b918437a285ecbe91749fc15387bab23856e4c46fa9a5f5675");
  }
}
