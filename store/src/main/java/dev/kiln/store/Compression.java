package dev.kiln.store;

import java.util.OptionalInt;

/**
 * How layer blobs are packed. Immutable.
 *
 * @param level as the format counts; empty for its default
 * @param force also converts layers that exist in another format
 */
public record Compression(Kind kind, OptionalInt level, boolean force) {
  /** The formats of layers. */
  public enum Kind {
    UNCOMPRESSED,
    GZIP,
    ZSTD
  }

  /** The format of a layer by its media type; eStargz is told as gzip. */
  public static Kind kindOf(String mediaType) {
    if (mediaType.endsWith("gzip")) {
      return Kind.GZIP;
    }
    return mediaType.endsWith("zstd") ? Kind.ZSTD : Kind.UNCOMPRESSED;
  }

  public static final Compression GZIP = new Compression(Kind.GZIP, OptionalInt.empty(), false);
}
