/**
 * The checks of a Dockerfile beyond its validity: which there are ({@link
 * dev.kiln.dockerfile.lint.Rule}), which are on ({@link dev.kiln.dockerfile.lint.LintOptions}), and
 * who is told ({@link dev.kiln.dockerfile.lint.Linter}).
 */
@NullMarked
package dev.kiln.dockerfile.lint;

import org.jspecify.annotations.NullMarked;
