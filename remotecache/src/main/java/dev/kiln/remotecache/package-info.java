/**
 * Caches outside of the daemon. Start with {@link dev.kiln.remotecache.BuildCaches}, the remote
 * caches of one build.
 */
@NullMarked
package dev.kiln.remotecache;

import org.jspecify.annotations.NullMarked;
