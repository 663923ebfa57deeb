/**
 * Where a build's files come from: {@link dev.kiln.dockerfile.context.FrontendOptions} reads what
 * the client asked for, {@link dev.kiln.dockerfile.context.BuildContexts} finds the Dockerfile, the
 * build context and named contexts, and {@link dev.kiln.dockerfile.context.Sources} makes the roots
 * of the graph.
 */
@NullMarked
package dev.kiln.dockerfile.context;

import org.jspecify.annotations.NullMarked;
