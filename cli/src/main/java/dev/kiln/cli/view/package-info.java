/**
 * A build's progress for people: {@link dev.kiln.cli.view.BuildState} gathers it, {@link
 * dev.kiln.cli.view.PlainView} and {@link dev.kiln.cli.view.TerminalView} show it.
 */
@NullMarked
package dev.kiln.cli.view;

import org.jspecify.annotations.NullMarked;
