package dev.kiln.exec;

import dev.kiln.tracing.Blocking;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Reads a container's cgroup while it runs: every two seconds, and once more at its end. Started
 * and stopped by one thread.
 */
final class Sampler {
  private static final long INTERVAL_MILLIS = 2000;
  private static final long MICRO = 1000;
  private final Optional<Cgroups.Kept> cgroup;
  private final Instant started = Instant.now();
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final List<ResourceUsage.Sample> samples = new ArrayList<>();
  private Optional<ResourceUsage> usage = Optional.empty();

  private Sampler(Optional<Cgroups.Kept> cgroup) {
    this.cgroup = cgroup;
  }

  static Sampler start(boolean wanted, Optional<Cgroups.Kept> cgroup) {
    var sampler = new Sampler(wanted ? cgroup : Optional.empty());
    if (sampler.cgroup.isPresent()) {
      Cgroups.Kept kept = sampler.cgroup.get();
      Blocking.start(
          "sample",
          () -> {
            while (!sampler.stopped.await(INTERVAL_MILLIS, TimeUnit.MILLISECONDS)) {
              sampler.add(read(kept));
            }
            return null;
          });
    }
    return sampler;
  }

  private synchronized void add(ResourceUsage.Sample sample) {
    samples.add(sample);
  }

  /** Takes the last sample; does nothing the second time. */
  synchronized void stop() {
    if (stopped.getCount() > 0 && cgroup.isPresent()) {
      samples.add(read(cgroup.get()));
      usage = Optional.of(new ResourceUsage(samples, Duration.between(started, Instant.now())));
    }
    stopped.countDown();
  }

  synchronized Optional<ResourceUsage> usage() {
    return usage;
  }

  private static ResourceUsage.Sample read(Cgroups.Kept c) {
    long[] io = new long[4];
    String[] keys = {"rbytes=", "wbytes=", "rios=", "wios="};
    for (String line : c.lines("io.stat")) {
      for (String word : line.split(" ")) {
        for (int i = 0; i < keys.length; i++) {
          if (word.startsWith(keys[i])) {
            io[i] += Long.parseLong(word.substring(keys[i].length()));
          }
        }
      }
    }
    return new ResourceUsage.Sample(
        Instant.now(),
        c.number("cpu.stat", "usage_usec") * MICRO,
        c.number("cpu.stat", "user_usec") * MICRO,
        c.number("cpu.stat", "system_usec") * MICRO,
        c.number("cpu.stat", "throttled_usec") * MICRO,
        c.number("memory.current"),
        c.number("memory.peak"),
        c.number("memory.swap.current"),
        io[0],
        io[1],
        io[2],
        io[3],
        c.number("pids.current"));
  }
}
