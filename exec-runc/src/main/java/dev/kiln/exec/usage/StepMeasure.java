package dev.kiln.exec.usage;

import dev.kiln.model.GoJson;
import java.nio.file.Path;
import java.time.Instant;

/**
 * Measures one container by its cgroup (v2), from its start to its end. Confined to one thread,
 * which closes it.
 */
public final class StepMeasure implements AutoCloseable {
  private static final int MOST = 10;
  private static final Path PROC = Path.of("/proc");
  private final long[] cpuAtStart = SystemReading.cpuTicks(PROC);
  private final Sampling sampling;

  public StepMeasure(Path cgroup) {
    this.sampling = Sampling.start(MOST, at -> CgroupReading.json(cgroup, at));
  }

  /** What was used until now, while the cgroup is still there. */
  public StepUsage usage() {
    String samples = GoJson.array(sampling.taken());
    long[] cpu = SystemReading.cpuTicks(PROC);
    for (int i = 0; i < cpu.length; i++) {
      cpu[i] -= cpuAtStart[i];
    }
    String json =
        GoJson.object()
            .raw("samples", samples)
            .raw("sysCPUStat", SystemReading.cpu(cpu).toString())
            .toString();
    return new StepUsage(json, Instant.now());
  }

  @Override
  public void close() {
    sampling.close();
  }
}
