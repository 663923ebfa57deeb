/**
 * The {@code kiln} command. {@link dev.kiln.cli.KilnCommand} is the entry, {@link
 * dev.kiln.cli.BuildCommand} makes a build as any other client of a daemon would.
 */
@NullMarked
package dev.kiln.cli;

import org.jspecify.annotations.NullMarked;
