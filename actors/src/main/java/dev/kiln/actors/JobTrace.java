package dev.kiln.actors;

import dev.kiln.model.Digest;
import dev.kiln.tracing.Traced;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One job's part of its client's trace: the spans of its steps lie below the job's own. The end of
 * the job ends them, before the vertices hear of it. Any thread.
 */
final class JobTrace {
  /** On the span of a step: the digest of its vertex. */
  static final String VERTEX = "vertex";

  private final Tracer tracer;
  private final Context parent;
  private final Set<StepTrace> steps = new HashSet<>();
  private boolean closed;

  JobTrace(Tracer tracer, Context parent) {
    this.tracer = tracer;
    this.parent = Traced.context(tracer, parent);
  }

  /** A step that the job wants; false where the job is over. */
  synchronized boolean add(StepTrace step) {
    return !closed && steps.add(step);
  }

  /** A new span of one step, linked to where the work itself is shown. */
  Span open(String name, String vertex, Instant from, Optional<SpanContext> worksAt) {
    SpanBuilder span =
        tracer
            .spanBuilder(name)
            .setParent(parent)
            .setStartTimestamp(from)
            .setAttribute(VERTEX, vertex);
    worksAt.ifPresent(span::addLink);
    return span.startSpan();
  }

  /** A span below {@code step} of what is over. */
  void show(Span step, String name, Instant from, Instant to, Optional<Throwable> failure) {
    Span span = tracer.spanBuilder(name).setParent(below(step)).setStartTimestamp(from).startSpan();
    failure.ifPresent(e -> {
      span.recordException(e);
      span.setStatus(StatusCode.ERROR, String.valueOf(e.getMessage()));
    });
    span.end(to);
  }

  /** Where spans below the job's own are made. */
  Context context() {
    return parent;
  }

  /** Where spans below {@code span} are made. */
  Context below(Span span) {
    return parent.with(span);
  }

  /** Runs a step that is none of a graph in a span of its own. */
  <T> T step(String id, String name, Traced.Work<T, Exception> work) throws Exception {
    return Traced.run(
        parent, name, Attributes.of(AttributeKey.stringKey(VERTEX), Digest.of(id).value()), work);
  }

  void close() {
    List<StepTrace> open;
    synchronized (this) {
      closed = true;
      open = List.copyOf(steps);
      steps.clear();
    }
    open.forEach(step -> step.leave(this));
  }
}
