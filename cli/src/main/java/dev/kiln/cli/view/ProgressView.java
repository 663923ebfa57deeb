package dev.kiln.cli.view;

import dev.kiln.grpc.control.StatusResponse;

/** Shows a build while it runs. Messages come from one thread; closing shows the final state. */
public interface ProgressView extends AutoCloseable {
  void show(StatusResponse message);

  /** What happened so far. */
  BuildState state();

  @Override
  void close();

  /** Shows nothing, but gathers the state. */
  static ProgressView quiet() {
    return new ProgressView() {
      private final BuildState state = new BuildState();

      @Override
      public void show(StatusResponse message) {
        state.apply(message);
      }

      @Override
      public BuildState state() {
        return state;
      }

      @Override
      public void close() {}
    };
  }
}
