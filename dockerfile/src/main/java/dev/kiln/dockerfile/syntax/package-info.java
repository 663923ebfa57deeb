/**
 * A Dockerfile's text to statements with their positions: lines, comments, continuations, heredocs
 * and directives. Start at {@link dev.kiln.dockerfile.syntax.DockerfileParser} and {@link
 * dev.kiln.dockerfile.syntax.Statement}.
 */
@NullMarked
package dev.kiln.dockerfile.syntax;

import org.jspecify.annotations.NullMarked;
