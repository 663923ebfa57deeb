/**
 * Images as sources, from registries and from clients' OCI layouts. Start with {@link
 * dev.kiln.sources.image.ImageSource} and {@link dev.kiln.sources.image.ImageLoader}.
 */
@NullMarked
package dev.kiln.sources.image;

import org.jspecify.annotations.NullMarked;
