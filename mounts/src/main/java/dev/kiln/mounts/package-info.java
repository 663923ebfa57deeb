/**
 * What is mounted in a step's container. Start at {@link dev.kiln.mounts.StepMounts}, which
 * prepares it, and {@link dev.kiln.mounts.PreparedMounts}, what the step then runs on.
 */
@NullMarked
package dev.kiln.mounts;

import org.jspecify.annotations.NullMarked;
