package dev.kiln.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** How large the terminal is, in characters. Immutable. */
record TerminalSize(int rows, int columns) {
  private static final TerminalSize USUAL = new TerminalSize(24, 80);

  static TerminalSize ofThisTerminal() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(Path.of("/dev/tty").toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String[] said =
          new String(stty.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
              .strip()
              .split(" ");
      if (said.length == 2) {
        int rows = Integer.parseInt(said[0]);
        int columns = Integer.parseInt(said[1]);
        if (rows > 2 && columns > 10) {
          return new TerminalSize(rows, columns);
        }
      }
    } catch (IOException | NumberFormatException e) {
      // no such tool or terminal: the usual size is a good guess
    }
    return USUAL;
  }
}
