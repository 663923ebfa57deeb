package dev.kiln.cli.view;

import dev.kiln.grpc.control.StatusResponse;

/** Shows nothing, but gathers the state. */
final class QuietView implements ProgressView {
  private final BuildState state = new BuildState();
  private boolean closed;

  @Override
  public synchronized void show(StatusResponse message) {
    if (!closed) {
      state.apply(message);
    }
  }

  @Override
  public BuildState state() {
    return state;
  }

  @Override
  public synchronized void close() {
    closed = true;
    state.finish();
  }
}
