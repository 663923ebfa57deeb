package dev.kiln.store;

import java.time.Instant;
import java.util.Optional;

/**
 * How {@link Refs#layers} makes layers. Immutable.
 *
 * @param clampTimes later file times become this ({@code rewrite-timestamp} with an epoch)
 * @param ociTypes media types of OCI, or Docker's
 */
public record LayerOptions(
    Compression compression, Optional<Instant> clampTimes, boolean ociTypes) {
  public static LayerOptions of(Compression compression) {
    return new LayerOptions(compression, Optional.empty(), true);
  }
}
