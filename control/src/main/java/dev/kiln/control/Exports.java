package dev.kiln.control;

import dev.kiln.actors.Job;
import dev.kiln.exporters.ExportContext;
import dev.kiln.exporters.ExportResult;
import dev.kiln.exporters.ExportSource;
import dev.kiln.exporters.Exporter;
import dev.kiln.model.BuildException;
import dev.kiln.model.StepProgress;
import dev.kiln.store.Lease;
import dev.kiln.tracing.Blocking;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;

/** Runs work of one build side by side. Stateless. */
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
    return together(
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

  /**
   * The values of all works in their order; the first failure interrupts the others and is thrown
   * when all have ended.
   */
  static <T> List<T> together(List<Callable<T>> works) throws InterruptedException {
    var tasks = new ArrayList<Blocking.Task<T>>();
    for (Callable<T> work : works) {
      tasks.add(Blocking.start("build-part", work));
    }
    for (Blocking.Task<T> task : tasks) {
      task.done()
          .whenComplete((value, failure) -> {
            if (failure != null) {
              tasks.forEach(Blocking.Task::interrupt);
            }
          });
    }
    var values = new ArrayList<T>();
    BuildException first = null;
    boolean interrupted = false;
    for (Blocking.Task<T> task : tasks) {
      while (true) {
        try {
          values.add(task.done().toCompletableFuture().get());
        } catch (InterruptedException e) {
          interrupted = true;
          tasks.forEach(Blocking.Task::interrupt);
          continue; // until they have let go of what they hold
        } catch (ExecutionException e) {
          BuildException failure = BuildException.of(e);
          // Those that the first failure interrupted say only that.
          if (first == null || first.kind() == dev.kiln.model.Kind.CANCELED) {
            first = failure;
          }
        }
        break;
      }
    }
    if (interrupted) {
      throw new InterruptedException();
    }
    if (first != null) {
      throw first;
    }
    return values;
  }
}
