package dev.kiln.store.records;

import java.nio.file.Path;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the daemon's log that a file cannot be written, without a flood: when it begins, then
 * once a minute with how often, and when it is over. One thread.
 */
final class Trouble {
  private static final Logger LOG = LoggerFactory.getLogger(Trouble.class);
  private static final long EVERY = Duration.ofMinutes(1).toNanos();

  private final Path file;
  private long failures;
  private long said;

  Trouble(Path file) {
    this.file = file;
  }

  void failed(Throwable why) {
    long now = System.nanoTime();
    if (failures == 0) {
      LOG.error("{} cannot be written; its changes wait in memory", file, why);
      said = now;
    } else if (now - said >= EVERY) {
      LOG.error("{} could not be written {} times: {}", file, failures, why.getMessage());
      said = now;
    }
    failures++;
  }

  void over() {
    if (failures > 0) {
      LOG.info("{} is written again, after {} failures", file, failures);
      failures = 0;
    }
  }
}
