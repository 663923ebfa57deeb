package dev.kiln.actors;

import dev.kiln.model.Digest;
import dev.kiln.tracing.Traced;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
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

  /** A new span of one step, unless the job is over; linked to where the work itself is shown. */
  Optional<Span> open(StepTrace step, String name, String vertex, Optional<SpanContext> worksAt) {
    synchronized (this) {
      if (closed) {
        return Optional.empty();
      }
      steps.add(step);
    }
    SpanBuilder span = tracer.spanBuilder(name).setParent(parent).setAttribute(VERTEX, vertex);
    worksAt.ifPresent(span::addLink);
    return Optional.of(span.startSpan());
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
