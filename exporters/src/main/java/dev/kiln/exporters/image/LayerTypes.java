package dev.kiln.exporters.image;

import java.util.List;

/**
 * The two families of layer media types and the way between them. Any thread. Source: BuildKit
 * v0.22 {@code util/compression/compression.go}, OCI image-spec {@code media-types.md}.
 */
public final class LayerTypes {
  private record Names(String oci, String docker) {}

  private static final String OCI = "application/vnd.oci.image.layer.v1.tar";
  private static final String OCI_FOREIGN =
      "application/vnd.oci.image.layer.nondistributable.v1.tar";
  private static final String DOCKER = "application/vnd.docker.image.rootfs.diff.tar";
  private static final String DOCKER_FOREIGN =
      "application/vnd.docker.image.rootfs.foreign.diff.tar";
  private static final List<Names> ALL =
      List.of(
          new Names(OCI, DOCKER),
          new Names(OCI + "+gzip", DOCKER + ".gzip"),
          new Names(OCI + "+zstd", DOCKER + ".zstd"),
          new Names(OCI_FOREIGN, DOCKER_FOREIGN),
          new Names(OCI_FOREIGN + "+gzip", DOCKER_FOREIGN + ".gzip"),
          new Names(OCI_FOREIGN + "+zstd", DOCKER_FOREIGN + ".zstd"));

  private LayerTypes() {}

  /** The same kind of layer in the wanted family; an unknown type stays as it is. */
  public static String convert(String mediaType, boolean oci, boolean keepForeign) {
    String type = keepForeign ? mediaType : distributable(mediaType);
    for (Names names : ALL) {
      if (type.equals(names.oci()) || type.equals(names.docker())) {
        return oci ? names.oci() : names.docker();
      }
    }
    return type;
  }

  /** Whether a registry must not be sent the blob. */
  static boolean isForeign(String mediaType) {
    return !distributable(mediaType).equals(mediaType);
  }

  private static String distributable(String mediaType) {
    if (mediaType.startsWith(OCI_FOREIGN)) {
      return OCI + mediaType.substring(OCI_FOREIGN.length());
    }
    return mediaType.startsWith(DOCKER_FOREIGN)
        ? DOCKER + mediaType.substring(DOCKER_FOREIGN.length())
        : mediaType;
  }
}
