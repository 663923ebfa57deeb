package dev.kiln.control;

import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Bounds the time in which a build's record is written: a client that waits for its answer is not
 * to wait for ever for a disk. Immutable, any thread. Source of the bound and of the kind: BuildKit
 * v0.22 {@code solver/llbsolver/solver.go}.
 */
record RecordWriting(Duration limit) {
  static final RecordWriting DEFAULT = new RecordWriting(Duration.ofSeconds(300));

  /**
   * Runs {@code writing} on a thread of its own, which is interrupted when the time is up.
   *
   * @throws BuildException {@code EXHAUSTED} where the disk is full, {@code INTERNAL} where it
   *     fails for another reason or takes too long
   */
  BuildHistoryRecord write(Callable<BuildHistoryRecord> writing) throws InterruptedException {
    Blocking.Task<BuildHistoryRecord> task = Blocking.start("write-record", writing);
    try {
      return task.done().toCompletableFuture().get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new BuildException(
          Kind.INTERNAL, "failed to write the record of the build: context deadline exceeded", e);
    } catch (ExecutionException e) {
      BuildException failure = BuildException.of(e);
      Kind kind = failure.kind() == Kind.EXHAUSTED ? Kind.EXHAUSTED : Kind.INTERNAL;
      throw new BuildException(
          kind, "failed to write the record of the build: " + failure.getMessage(), failure);
    } finally {
      task.interrupt(); // one that is done does not care
    }
  }
}
