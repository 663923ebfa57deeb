/** Folders that a client lends: {@link dev.kiln.sources.local.LocalSource}. */
@NullMarked
package dev.kiln.sources.local;

import org.jspecify.annotations.NullMarked;
