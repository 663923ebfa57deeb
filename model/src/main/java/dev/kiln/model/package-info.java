/**
 * The field's values and the error model. Start with {@link dev.kiln.model.Digest}, {@link
 * dev.kiln.model.Descriptor}, {@link dev.kiln.model.BuildException} and {@link
 * dev.kiln.model.Progress}.
 */
@NullMarked
package dev.kiln.model;

import org.jspecify.annotations.NullMarked;
