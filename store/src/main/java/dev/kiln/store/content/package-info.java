/** Blobs by digest: {@link dev.kiln.store.content.ContentStore}. */
@NullMarked
package dev.kiln.store.content;

import org.jspecify.annotations.NullMarked;
