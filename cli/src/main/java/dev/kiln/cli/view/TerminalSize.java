package dev.kiln.cli.view;

import dev.kiln.sys.Terminals;
import java.util.Optional;

/** How large a terminal is, in characters; at least one line and column. Immutable. */
public record TerminalSize(int rows, int columns) {
  private static final TerminalSize USUAL = new TerminalSize(24, 80);

  public TerminalSize {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException("no terminal has " + rows + " rows of " + columns);
    }
  }

  /** The size now of the terminal behind standard error; empty where that is no terminal. */
  public static Optional<TerminalSize> ofStandardError() {
    return Terminals.sizeOfStandardError()
        .map(size ->
            size.rows() < 1 || size.columns() < 1
                ? USUAL // one that does not know its size
                : new TerminalSize(size.rows(), size.columns()));
  }

  /** The same; the usual size where standard error is no terminal. */
  public static TerminalSize now() {
    return ofStandardError().orElse(USUAL);
  }
}
