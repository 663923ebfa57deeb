/**
 * The form of a remote cache: {@link dev.kiln.remotecache.graph.CacheWalk} collects keys and
 * results into a {@link dev.kiln.remotecache.graph.KeyGraph}, which {@link
 * dev.kiln.remotecache.graph.CacheConfig} writes and reads.
 */
@NullMarked
package dev.kiln.remotecache.graph;

import org.jspecify.annotations.NullMarked;
