/**
 * The solver: jobs, vertices, cache decisions, the pool of step workers and progress. What it needs
 * of the rest of the daemon are ports, told by {@link dev.kiln.actors.OpRunner}, {@link
 * dev.kiln.actors.CacheStore} and {@link dev.kiln.actors.ResultLeases}; so it runs without disk,
 * containers or network.
 */
@NullMarked
package dev.kiln.actors;

import org.jspecify.annotations.NullMarked;
