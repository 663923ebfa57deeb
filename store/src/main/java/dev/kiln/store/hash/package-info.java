/** Content checksums of trees, equal to BuildKit's: {@link dev.kiln.store.hash.TreeHash}. */
@NullMarked
package dev.kiln.store.hash;

import org.jspecify.annotations.NullMarked;
