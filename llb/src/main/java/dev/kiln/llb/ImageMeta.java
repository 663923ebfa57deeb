package dev.kiln.llb;

import dev.kiln.model.Digest;

/**
 * A resolved image. Immutable ({@code config} is never written to).
 *
 * @param ref the reference that was resolved, after source policies
 * @param config the image's configuration, JSON as OCI image-spec {@code config.md}
 */
public record ImageMeta(String ref, Digest digest, byte[] config) {}
