package dev.kiln.cli;

import dev.kiln.cli.view.BuildState;
import dev.kiln.cli.view.TerminalText;
import dev.kiln.model.BuildException;
import java.io.PrintStream;
import java.util.List;

/** The last words on a build that failed: what the step said, and the error. Stateless. */
final class Failures {
  private static final int LINES = 20;

  private Failures() {}

  /**
   * @param lastWords of a daemon that has ended
   */
  static void print(
      BuildState state, List<String> lastWords, BuildException failure, PrintStream err) {
    for (BuildState.Step step : state.failed()) {
      var lines = state.tail(step, LINES);
      if (!lines.isEmpty()) {
        err.println("------");
        err.println(" > " + state.name(step) + ":");
        lines.forEach(err::println);
        err.println("------");
      }
    }
    SourceExcerpts.print(failure, err);
    if (!lastWords.isEmpty()) {
      err.println("the daemon has ended; the last that it said:");
      lastWords.forEach(line -> err.println(" | " + TerminalText.line(line)));
    }
    err.println("error: failed to solve: " + TerminalText.lines(failure.getMessage()));
    err.flush();
  }
}
