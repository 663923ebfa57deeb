/**
 * The configuration of the image that a stage makes: {@link dev.kiln.dockerfile.image.ImageConfig}
 * while it is built up, {@link dev.kiln.dockerfile.image.ImageJson} as JSON.
 */
@NullMarked
package dev.kiln.dockerfile.image;

import org.jspecify.annotations.NullMarked;
