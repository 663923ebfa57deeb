/**
 * Images: options, manifests and configs, attestation manifests, archives. Start with {@link
 * dev.kiln.exporters.image.ImageOptions} for what a client may ask for.
 */
@NullMarked
package dev.kiln.exporters.image;

import org.jspecify.annotations.NullMarked;
