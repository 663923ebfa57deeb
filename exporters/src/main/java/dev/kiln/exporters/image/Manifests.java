package dev.kiln.exporters.image;

import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.GoJson;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.Platform;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The JSON of manifests, indexes and descriptors, field by field in the order in which BuildKit
 * writes them, so that equal content has equal digests. Any thread. Source: OCI image-spec v1.1,
 * {@code specs-go/v1}.
 */
public final class Manifests {
  /** What makes a manifest one of attestations: BuildKit v0.22 {@code writer.go}. */
  static final String ATTESTATION_ARTIFACT = "application/vnd.docker.attestation.manifest.v1+json";

  static final byte[] EMPTY_CONFIG = "{}".getBytes(StandardCharsets.UTF_8);

  private Manifests() {}

  public static GoJson descriptor(Descriptor d) {
    return descriptor(d, Optional.empty());
  }

  private static GoJson descriptor(Descriptor d, Optional<byte[]> data) {
    GoJson json =
        GoJson.object()
            .text("mediaType", d.mediaType())
            .text("digest", d.digest().value())
            .number("size", d.sizeBytes())
            .mapIfSet("annotations", d.annotations());
    data.ifPresent(bytes -> json.bytesIfSet("data", bytes));
    d.platform().ifPresent(p -> json.raw("platform", platform(p).toString()));
    return json;
  }

  static GoJson platform(Platform p) {
    return GoJson.object()
        .text("architecture", p.architecture())
        .text("os", p.os())
        .textIfSet("os.version", p.osVersion())
        .textsIfSet("os.features", p.osFeatures())
        .textIfSet("variant", p.variant());
  }

  public static byte[] manifest(
      String mediaType, Descriptor config, List<Descriptor> layers, Map<String, String> notes) {
    return indented(
        GoJson.object()
            .number("schemaVersion", 2)
            .text("mediaType", mediaType)
            .raw("config", descriptor(config).toString())
            .raw("layers", list(layers))
            .mapIfSet("annotations", notes));
  }

  /** A manifest of statements about {@code subject}, in the form of an OCI artifact. */
  static byte[] artifact(String mediaType, List<Descriptor> layers, Descriptor subject) {
    var empty = new Descriptor(MediaTypes.OCI_EMPTY, Digest.of(EMPTY_CONFIG), EMPTY_CONFIG.length);
    return indented(
        GoJson.object()
            .number("schemaVersion", 2)
            .text("mediaType", mediaType)
            .text("artifactType", ATTESTATION_ARTIFACT)
            .raw("config", descriptor(empty, Optional.of(EMPTY_CONFIG)).toString())
            .raw("layers", list(layers))
            .raw("subject", descriptor(subject).toString()));
  }

  public static byte[] index(
      String mediaType, List<Descriptor> manifests, Map<String, String> notes) {
    return indented(indexJson(mediaType, manifests, notes));
  }

  /** The {@code index.json} of an OCI layout, on one line. */
  static byte[] layoutIndex(List<Descriptor> manifests) {
    return indexJson(MediaTypes.OCI_INDEX, manifests, Map.of()).toBytes();
  }

  private static GoJson indexJson(
      String mediaType, List<Descriptor> manifests, Map<String, String> notes) {
    return GoJson.object()
        .number("schemaVersion", 2)
        .text("mediaType", mediaType)
        .raw("manifests", list(manifests))
        .mapIfSet("annotations", notes);
  }

  private static String list(List<Descriptor> all) {
    return all.isEmpty()
        ? "null"
        : GoJson.array(all.stream().map(d -> descriptor(d).toString()).toList());
  }

  private static byte[] indented(GoJson json) {
    return GoJson.indent(json.toString()).getBytes(StandardCharsets.UTF_8);
  }
}
