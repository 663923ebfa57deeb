/**
 * The built-in frontend {@code dockerfile.v0}. Start at {@link
 * dev.kiln.dockerfile.DockerfileFrontend}; below it {@code context} finds the file, {@code syntax},
 * {@code shell} and {@code instruction} read it, {@code convert} turns it into the graph that
 * {@code graph} writes.
 */
@NullMarked
package dev.kiln.dockerfile;

import org.jspecify.annotations.NullMarked;
