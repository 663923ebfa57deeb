package dev.kiln.actors;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ends things of several parts. */
final class Parts {
  private static final Logger LOG = LoggerFactory.getLogger(Parts.class);

  private Parts() {}

  /**
   * Runs every part, in order, whatever the ones before did; a failure is logged and does not reach
   * the caller, who could not do more.
   *
   * @param what it is that ends, for the log
   */
  static void endAll(Object what, Runnable... parts) {
    for (Runnable part : parts) {
      try {
        part.run();
      } catch (RuntimeException | Error e) {
        LOG.error("a part of {} did not end as it should", what, e);
      }
    }
  }
}
