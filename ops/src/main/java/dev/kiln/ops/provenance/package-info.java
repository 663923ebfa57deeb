/**
 * How a result was built, as SLSA statements say it. Start with {@link
 * dev.kiln.ops.provenance.Provenance}.
 */
@NullMarked
package dev.kiln.ops.provenance;

import org.jspecify.annotations.NullMarked;
