/**
 * Quotes, escapes and {@code $variables} of Dockerfile words, after the POSIX shell. Start at
 * {@link dev.kiln.dockerfile.shell.ShellLexer}.
 */
@NullMarked
package dev.kiln.dockerfile.shell;

import org.jspecify.annotations.NullMarked;
