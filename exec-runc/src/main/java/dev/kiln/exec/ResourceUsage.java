package dev.kiln.exec;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * What a container used, as read from its cgroup (v2) while it ran. Immutable; samples in order of
 * time, the last one taken after the end.
 */
public record ResourceUsage(List<Sample> samples, Duration elapsed) {
  public ResourceUsage {
    samples = List.copyOf(samples);
  }

  /** One reading; counters run from the container's start, an absent value is 0. */
  public record Sample(
      Instant time,
      long cpuNanos,
      long cpuUserNanos,
      long cpuSystemNanos,
      long cpuThrottledNanos,
      long memoryBytes,
      long memoryPeakBytes,
      long memorySwapBytes,
      long ioReadBytes,
      long ioWriteBytes,
      long ioReads,
      long ioWrites,
      long processes) {}
}
