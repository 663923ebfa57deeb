package dev.kiln.actors;

/**
 * Keeps results in use until it is closed. Any thread.
 *
 * <p>An implementation may offer more, such as the store's own lease, to runners that know it.
 */
public interface ResultLease extends AutoCloseable {
  /**
   * Keeps {@code result} until this lease ends; holding it twice is holding it once.
   *
   * @throws dev.kiln.model.BuildException {@code NOT_FOUND} where it is gone
   */
  void hold(ResultId result);

  /** Idempotent. */
  @Override
  void close();
}
