package dev.kiln.cli;

import dev.kiln.cli.view.BuildState;
import dev.kiln.model.BuildException;
import java.io.PrintStream;

/** The last words on a build that failed: what the step said, and the error. Stateless. */
final class Failures {
  private static final int LINES = 20;

  private Failures() {}

  static void print(BuildState state, BuildException failure, PrintStream err) {
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
    err.println("error: failed to solve: " + failure.getMessage());
  }
}
