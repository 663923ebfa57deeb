package dev.kiln.exec;

/**
 * A handle on a process under way, to signal and resize it. Any thread; calls after its end do
 * nothing. It needs no closing.
 */
public interface RunningProcess {
  /**
   * Sends a signal to the process. {@link Signal#KILL} goes to the process in the container itself.
   */
  void signal(Signal signal);

  /** Tells a terminal's new size; nothing for a process without one. */
  void resize(int rows, int columns);
}
