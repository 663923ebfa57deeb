/**
 * Layers as tar streams: {@link dev.kiln.store.layer.TarWriter} and {@link
 * dev.kiln.store.layer.TarReader}, layer directories packed and unpacked, compression.
 */
@NullMarked
package dev.kiln.store.layer;

import org.jspecify.annotations.NullMarked;
