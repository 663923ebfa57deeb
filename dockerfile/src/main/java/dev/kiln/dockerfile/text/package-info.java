/**
 * The small text forms that Dockerfiles and their error messages use: Go's quoting and durations
 * ({@link dev.kiln.dockerfile.text.GoText}), one line of CSV ({@link
 * dev.kiln.dockerfile.text.CsvLine}), slash paths ({@link dev.kiln.dockerfile.text.SlashPath}) and
 * "did you mean" ({@link dev.kiln.dockerfile.text.Suggestion}).
 */
@NullMarked
package dev.kiln.dockerfile.text;

import org.jspecify.annotations.NullMarked;
