package dev.kiln.exec;

import java.util.function.Consumer;

/**
 * Runs processes in containers. Any thread; both calls block until the process has ended and its
 * output has been handed over. An interrupt kills the process, waits for its end, cleans up and
 * then throws {@code InterruptedException}: whatever the way out, no process, mount or cgroup of
 * the container is left. A process that ends with any code is an answer, not an exception; what
 * keeps it from starting is a {@link dev.kiln.model.BuildException}.
 */
public interface Executor extends AutoCloseable {
  /**
   * Makes the container, runs its main process, and removes the container.
   *
   * @param started called once, on another thread, when runc has been started for the process;
   *     {@link #exec} into the container may follow at once and waits until it can
   */
  ExitStatus run(
      ContainerSpec container, ProcessSpec process, ProcessIo io, Consumer<RunningProcess> started)
      throws InterruptedException;

  /**
   * Runs one more process in the running container of that id. Where {@code process} leaves the
   * user, directory or environment empty, those of the main process hold.
   *
   * @throws dev.kiln.model.BuildException {@code NOT_FOUND} where no such container runs
   */
  ExitStatus exec(
      String containerId, ProcessSpec process, ProcessIo io, Consumer<RunningProcess> started)
      throws InterruptedException;

  /** Kills what still runs and waits for it. Idempotent. */
  @Override
  void close();
}
