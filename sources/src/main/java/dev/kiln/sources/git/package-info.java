/**
 * Git repositories: {@link dev.kiln.sources.git.GitSource} and {@link dev.kiln.sources.git.GitUrl}.
 */
@NullMarked
package dev.kiln.sources.git;

import org.jspecify.annotations.NullMarked;
