package dev.kiln.remotecache;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;

/** A clock that goes on by waits alone, which pass at once. Any thread. */
final class MovableClock extends Clock {
  private final List<Duration> waits = new ArrayList<>(); // guarded by this
  private Instant now = Instant.parse("2026-01-02T00:00:00Z"); // guarded by this

  synchronized void pass(Duration time) {
    waits.add(time);
    now = now.plus(time);
  }

  synchronized List<Duration> waits() {
    return List.copyOf(waits);
  }

  @Override
  public synchronized Instant instant() {
    return now;
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    throw new UnsupportedOperationException();
  }
}
