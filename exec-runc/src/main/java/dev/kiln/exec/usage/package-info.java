/**
 * What steps and the machine use while a build runs, in the JSON in which provenance tells it
 * (features ): {@link dev.kiln.exec.usage.StepMeasure}, {@link
 * dev.kiln.exec.usage.Sampling}.
 */
@NullMarked
package dev.kiln.exec.usage;

import org.jspecify.annotations.NullMarked;
