package dev.kiln.control;

import dev.kiln.actors.Job;
import dev.kiln.exporters.ExportContext;
import dev.kiln.exporters.ExportResult;
import dev.kiln.exporters.ExportSource;
import dev.kiln.exporters.Exporter;
import dev.kiln.exporters.Parallel;
import dev.kiln.model.StepProgress;
import dev.kiln.store.Lease;
import java.util.List;
import java.util.concurrent.Callable;

/** Runs the exporters of one build side by side. Stateless. */
final class Exports {
  private Exports() {}

  /** What an exporter's images carry of the cache. */
  @FunctionalInterface
  interface Inline {
    ExportContext.InlineCache of(Exporter exporter, StepProgress progress);
  }

  /**
   * Brings a result to all exporters, each shown as a step of its own; the first failure ends the
   * others.
   */
  static List<ExportResult> run(
      Job job, List<Exporter> exporters, ExportSource source, Lease lease, Inline inline)
      throws InterruptedException {
    return Parallel.run(
        "exporter",
        exporters.stream()
            .<Callable<ExportResult>>map(exporter ->
                () ->
                    job.step(
                        "exporter-" + job.id() + "-" + exporter.id(),
                        exporter.name(),
                        progress ->
                            exporter.export(
                                source,
                                new ExportContext(
                                    job.sessionId(),
                                    lease,
                                    progress,
                                    inline.of(exporter, progress)))))
            .toList());
  }
}
