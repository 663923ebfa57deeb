package dev.kiln.exec;

import dev.kiln.tracing.Traced;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import java.util.function.Consumer;

/**
 * Shows each process as a span of the step that runs it. Arguments and environment are no part of
 * it: they may hold what nobody should read. Any thread.
 */
public final class TracedExecutor implements Executor {
  private static final String SPAN = "exec";
  private static final AttributeKey<String> CONTAINER = AttributeKey.stringKey("container.id");

  private static final AttributeKey<Long> EXIT_CODE = AttributeKey.longKey("process.exit.code");

  private final Executor executor;

  /** Closing this closes {@code executor}. */
  public TracedExecutor(Executor executor) {
    this.executor = executor;
  }

  @Override
  public ExitStatus run(
      ContainerSpec container, ProcessSpec process, ProcessIo io, Consumer<RunningProcess> started)
      throws InterruptedException {
    return Traced.run(
        SPAN,
        Attributes.of(CONTAINER, container.id()),
        () -> shown(executor.run(container, process, io, started)));
  }

  @Override
  public ExitStatus exec(
      String containerId, ProcessSpec process, ProcessIo io, Consumer<RunningProcess> started)
      throws InterruptedException {
    return Traced.run(
        SPAN,
        Attributes.of(CONTAINER, containerId),
        () -> shown(executor.exec(containerId, process, io, started)));
  }

  /** OpenTelemetry's semantic conventions v1.27 name the attribute. */
  private static ExitStatus shown(ExitStatus status) {
    Span.current().setAttribute(EXIT_CODE, (long) status.code());
    return status;
  }

  @Override
  public void close() {
    executor.close();
  }
}
