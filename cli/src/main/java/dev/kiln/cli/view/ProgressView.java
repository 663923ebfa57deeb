package dev.kiln.cli.view;

import dev.kiln.grpc.control.StatusResponse;

/**
 * Shows a build while it runs. Closing shows the final state, once; after that nothing is shown, so
 * what is printed then stays the last. Any thread.
 */
public interface ProgressView extends AutoCloseable {
  void show(StatusResponse message);

  /** What happened so far; read it when the view is closed. */
  BuildState state();

  @Override
  void close();

  /** Shows nothing, but gathers the state. */
  static ProgressView quiet() {
    return new QuietView();
  }
}
