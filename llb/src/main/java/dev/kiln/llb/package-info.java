/**
 * A build definition's bytes to a checked graph of vertices, and the port through which frontends
 * make such definitions. Start with {@link dev.kiln.llb.Definitions}, {@link dev.kiln.llb.Graph},
 * {@link dev.kiln.llb.Op} and {@link dev.kiln.llb.Frontend}.
 */
@NullMarked
package dev.kiln.llb;

import org.jspecify.annotations.NullMarked;
