/**
 * Roots of the graph: images, git repositories, files over HTTP, folders of the client. Start with
 * {@link dev.kiln.sources.Sources} and {@link dev.kiln.sources.Source}.
 */
@NullMarked
package dev.kiln.sources;

import org.jspecify.annotations.NullMarked;
