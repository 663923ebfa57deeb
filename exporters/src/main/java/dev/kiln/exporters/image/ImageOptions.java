package dev.kiln.exporters.image;

import dev.kiln.exporters.Attributes;
import dev.kiln.exporters.SourceEpoch;
import dev.kiln.store.Compression;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Map;
import java.util.Optional;

/**
 * The options that {@code image}, {@code oci} and {@code docker} have in common (features X-01 to
 * Immutable. Source of names and defaults: BuildKit v0.22 {@code
 * exporter/containerimage/opts.go}.
 *
 * @param name comma-separated, or {@code *} for the frontend's; empty for none
 * @param inlineAttestations whether statements meant for images only are attached
 */
record ImageOptions(
    String name,
    Compression compression,
    boolean ociTypes,
    boolean ociArtifact,
    boolean inlineAttestations,
    boolean keepForeignLayers,
    boolean rewriteTimes,
    Optional<Instant> epoch,
    Annotations annotations) {
  private static final String EPOCH = "source-date-epoch";

  /** Takes its options out of {@code attributes}. */
  static ImageOptions parse(
      Attributes attributes, Map<String, String> all, boolean oci, boolean inline) {
    Optional<Instant> epoch = attributes.epoch(EPOCH);
    Compression compression = attributes.compression();
    var annotations = new ArrayList<Annotations.Annotation>();
    new java.util.TreeMap<>(all)
        .forEach((key, value) ->
            Annotations.parse(key, value)
                .ifPresent(a -> {
                  attributes.text(key);
                  annotations.add(a);
                }));
    boolean artifact = attributes.strictFlag("oci-artifact", false);
    return new ImageOptions(
        attributes.text("name").orElse(""),
        compression,
        attributes.flag("oci-mediatypes", oci) || artifact,
        artifact,
        attributes.strictFlag("attestation-inline", inline),
        attributes.strictFlag("prefer-nondist-layers", false),
        attributes.strictFlag("rewrite-timestamp", false),
        epoch,
        new Annotations(annotations));
  }

  /** With what the result's metadata adds: annotations, and an epoch where none was given. */
  ImageOptions completedBy(Map<String, byte[]> metadata) {
    Optional<Instant> time = epoch.or(() -> SourceEpoch.of(metadata));
    Annotations both = annotations.and(Annotations.among(metadata));
    String names = name;
    if (name.equals("*")) {
      byte[] told = metadata.get("image.name");
      names = told == null ? name : new String(told, StandardCharsets.UTF_8);
    }
    return new ImageOptions(
        names,
        compression,
        ociTypes || both.needOci(),
        ociArtifact,
        inlineAttestations,
        keepForeignLayers,
        rewriteTimes,
        time,
        both);
  }

  ImageOptions withOciTypes() {
    return new ImageOptions(
        name,
        compression,
        true,
        ociArtifact,
        inlineAttestations,
        keepForeignLayers,
        rewriteTimes,
        epoch,
        annotations);
  }
}
