package dev.kiln.exec.usage;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Which readings of a long time are kept: one every two seconds at first, and each time that many
 * intervals have passed, the interval doubles. Confined to its owner.
 */
final class Samples {
  private static final Duration SHORTEST = Duration.ofSeconds(2);
  private final Instant first;
  private final int most;
  private final List<Sample> taken = new ArrayList<>();
  private Duration interval = SHORTEST;

  private record Sample(Instant at, String json) {}

  /**
   * @param most intervals before they become longer
   */
  Samples(Instant first, int most) {
    this.first = first;
    this.most = most;
  }

  /** How long to wait for the next one. */
  Duration interval() {
    return interval;
  }

  void add(Instant at, String json) {
    taken.add(new Sample(at, json));
    if (interval.multipliedBy(most).compareTo(Duration.between(first, at)) <= 0) {
      interval = interval.multipliedBy(2);
    }
  }

  /** Those that are an interval apart by now, in order of time. */
  List<String> thinned() {
    var kept = new ArrayList<String>();
    Instant last = Instant.MIN;
    for (Sample sample : taken) {
      if (kept.isEmpty() || Duration.between(last, sample.at()).compareTo(interval) >= 0) {
        kept.add(sample.json());
        last = sample.at();
      }
    }
    return kept;
  }
}
