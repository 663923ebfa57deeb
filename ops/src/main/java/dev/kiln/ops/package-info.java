/**
 * How each op is keyed and run. Start with {@link dev.kiln.ops.Runners}, which finds the runner of
 * a vertex, and {@link dev.kiln.ops.StoreLeases}, through which results are refs of the store.
 */
@NullMarked
package dev.kiln.ops;

import org.jspecify.annotations.NullMarked;
