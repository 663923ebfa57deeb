package dev.kiln.ops.exec;

import dev.kiln.exec.usage.StepUsage;
import dev.kiln.model.Digest;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** What the last exec steps used, for the provenance of the builds they ran for. Any thread. */
public final class StepUsages {
  private static final int LIMIT = 2_000;
  private final Map<Digest, StepUsage> known =
      new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, StepUsage> eldest) {
          return size() > LIMIT;
        }
      };

  public synchronized void put(Digest vertex, StepUsage usage) {
    known.put(vertex, usage);
  }

  /** Of the vertex's last run, where it ended after {@code since}: an older one is of the cache. */
  public synchronized Optional<StepUsage> of(Digest vertex, Instant since) {
    return Optional.ofNullable(known.get(vertex)).filter(usage -> usage.ended().isAfter(since));
  }
}
