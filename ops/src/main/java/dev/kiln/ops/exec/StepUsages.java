package dev.kiln.ops.exec;

import dev.kiln.exec.usage.StepUsage;
import dev.kiln.model.Digest;
import dev.kiln.ops.Recent;
import java.time.Instant;
import java.util.Optional;

/** What the last exec steps used, for the provenance of the builds they ran for. Any thread. */
public final class StepUsages {
  private final Recent<StepUsage> known = new Recent<>(2_000);

  public void put(Digest vertex, StepUsage usage) {
    known.put(vertex, usage);
  }

  /** Of the vertex's last run, where it ended after {@code since}: an older one is of the cache. */
  public Optional<StepUsage> of(Digest vertex, Instant since) {
    return known.of(vertex).filter(usage -> usage.ended().isAfter(since));
  }
}
