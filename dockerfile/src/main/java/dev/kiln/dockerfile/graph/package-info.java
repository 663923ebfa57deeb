/**
 * Builds LLB: {@link dev.kiln.dockerfile.graph.State} is a file system to be with the settings for
 * the next command, {@link dev.kiln.dockerfile.graph.Node} an op that makes one, and {@link
 * dev.kiln.dockerfile.graph.DefinitionWriter} writes the graph behind a state as a definition whose
 * bytes equal those of BuildKit's Go client, for cache keys depend on them.
 */
@NullMarked
package dev.kiln.dockerfile.graph;

import org.jspecify.annotations.NullMarked;
