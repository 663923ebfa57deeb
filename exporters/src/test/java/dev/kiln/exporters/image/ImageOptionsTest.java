package dev.kiln.exporters.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.exporters.Attributes;
import dev.kiln.exporters.image.Annotations.Place;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.Platform;
import dev.kiln.store.Compression;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** */
class ImageOptionsTest {
  private static ImageOptions parse(String... pairs) {
    return parse(new HashMap<>(), pairs);
  }

  private static ImageOptions parse(Map<String, String> all, String... pairs) {
    for (int i = 0; i < pairs.length; i += 2) {
      all.put(pairs[i], pairs[i + 1]);
    }
    return ImageOptions.parse(new Attributes(all), all, false, true);
  }

  @Test
  void defaults() {
    ImageOptions options = parse();
    assertThat(options.compression()).isEqualTo(Compression.GZIP);
    assertThat(options.ociTypes()).isFalse();
    assertThat(options.inlineAttestations()).isTrue();
    assertThat(options.epoch()).isEmpty();
  }

  @Test
  void whatNeedsOciTypesTurnsThemOn() {
    assertThat(parse("compression", "zstd").ociTypes()).isFalse(); // Docker has a type for it
    assertThat(parse("oci-artifact", "true").ociTypes()).isTrue();
    assertThat(parse("oci-mediatypes", "").ociTypes()).isTrue();
    assertThat(parse("annotation-index.a", "b").completedBy(Map.of()).ociTypes()).isTrue();
    assertThat(parse("annotation.a", "b").completedBy(Map.of()).ociTypes()).isFalse();
  }

  @Test
  void whatCannotBePackedIsRefusedWithTheRequest() {
    assertThatThrownBy(() -> parse("compression", "estargz"))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).as("a code").isEqualTo(Kind.UNKNOWN))
        .hasMessage("compression estargz is not supported; use gzip or zstd");
    assertThatThrownBy(() -> parse("compression", "nydus"))
        .hasMessage("unsupported compression type nydus");
  }

  @Test
  void metadataCompletes() {
    ImageOptions options =
        parse("name", "*")
            .completedBy(
                Map.of(
                    "image.name", "a,b".getBytes(StandardCharsets.UTF_8),
                    "source.date.epoch", "7".getBytes(StandardCharsets.UTF_8),
                    "annotation.k", "v".getBytes(StandardCharsets.UTF_8)));
    assertThat(options.name()).isEqualTo("a,b");
    assertThat(options.epoch()).contains(Instant.ofEpochSecond(7));
    assertThat(options.annotations().of(Place.MANIFEST)).containsEntry("k", "v");
  }

  @Test
  void annotationsByPlaceAndPlatform() {
    Annotations all =
        parse(
                "annotation.a", "1",
                "annotation-manifest[linux/amd64].a", "2",
                "annotation-manifest-descriptor[linux/arm64].d", "3",
                "annotation-index.i", "4",
                "annotation-index-descriptor.j", "5")
            .annotations();
    assertThat(all.of(Place.MANIFEST)).containsExactly(Map.entry("a", "1"));
    assertThat(all.of(Place.MANIFEST, new Platform("linux", "amd64", "")))
        .containsExactly(Map.entry("a", "2"));
    assertThat(all.of(Place.MANIFEST_DESCRIPTOR, new Platform("linux", "amd64", ""))).isEmpty();
    assertThat(all.of(Place.INDEX)).containsExactly(Map.entry("i", "4"));
    assertThat(all.of(Place.INDEX_DESCRIPTOR)).containsExactly(Map.entry("j", "5"));
    assertThatThrownBy(() -> parse("annotation-foo.a", "1"))
        .hasMessage("unrecognized annotation type foo");
  }

  @Test
  void wrongValuesAreRefusedInKnownWords() {
    assertThatThrownBy(() -> parse("compression", "lz4"))
        .hasMessage("unsupported compression type lz4");
    assertThatThrownBy(() -> parse("compression-level", "x"))
        .hasMessageStartingWith("non-integer value x specified for compression-level");
    assertThatThrownBy(() -> parse("oci-mediatypes", "maybe"))
        .hasMessage(
            "non-bool value specified for oci-mediatypes: strconv.ParseBool: parsing \"maybe\":"
                + " invalid syntax");
    assertThatThrownBy(() -> parse("source-date-epoch", "soon"))
        .hasMessageStartingWith("invalid source-date-epoch: ");
  }

  @Test
  void layerTypesCrossBetweenTheFamilies() {
    assertThat(LayerTypes.convert(MediaTypes.DOCKER_LAYER_GZIP, true, false))
        .isEqualTo(MediaTypes.OCI_LAYER_GZIP);
    assertThat(LayerTypes.convert(MediaTypes.OCI_LAYER_ZSTD, false, false))
        .isEqualTo(MediaTypes.DOCKER_LAYER_ZSTD);
    String foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    assertThat(LayerTypes.convert(foreign, true, true))
        .isEqualTo("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    assertThat(LayerTypes.convert(foreign, true, false)).isEqualTo(MediaTypes.OCI_LAYER_GZIP);
    assertThat(LayerTypes.convert("application/x", true, false)).isEqualTo("application/x");
    assertThat(LayerTypes.isForeign(foreign)).isTrue();
    assertThat(LayerTypes.isForeign(MediaTypes.OCI_LAYER)).isFalse();
  }

  @Test
  void optionsOfOlderVersionsAndUnknownOnesAreMetadata() {
    var all =
        Map.of("buildinfo", "true", "buildinfo-attrs", "x", "anything", "else", "name", "a:1");
    var left = new Attributes(all);
    ImageOptions.parse(left, all, false, true);
    assertThat(left.rest()).containsOnlyKeys("buildinfo", "buildinfo-attrs", "anything");
  }
}
