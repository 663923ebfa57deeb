package dev.kiln.actors;

import java.time.Instant;

/** What who handed a call to the pool hears of it. Data. */
sealed interface StepNews {
  Attempt attempt();

  /**
   * The call waits for a slot, as number {@code place} of {@code of}; said again ever more seldom.
   */
  record Waits(Attempt attempt, int place, int of, Instant since) implements StepNews {}

  /** A call that was said to wait has its slot. */
  record Begins(Attempt attempt, Instant since, Instant at) implements StepNews {}

  /** The last word. */
  record Ended(Attempt attempt, OpEnd end) implements StepNews {}
}
