package dev.kiln.actors;

import dev.kiln.llb.Vertex;
import dev.kiln.model.BuildException;
import dev.kiln.tracing.Traced;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * The spans of one vertex: one for each job that wants it, from the first work for the vertex (or
 * the job's coming, where that is later) to its end. What is done for the vertex is shown below the
 * span of the job that came first; those of the others link to that one. Work for a vertex may end
 * without a result, where only its key was of use: then its span ends with the last of that work.
 * Any thread.
 */
final class StepTrace {
  private static final AttributeKey<Boolean> CACHED = AttributeKey.booleanKey("kiln.step.cached");

  private enum Phase {
    WAITING,
    BEGUN,
    ENDED
  }

  private record Open(Optional<Span> span) {}

  private final Vertex vertex;
  private final Map<JobTrace, Open> jobs = new LinkedHashMap<>();
  private Phase phase = Phase.WAITING;
  private Optional<BuildException> failure = Optional.empty();
  private boolean cached;
  private int working;
  private Instant lastWork = Instant.EPOCH;

  StepTrace(Vertex vertex) {
    this.vertex = vertex;
  }

  synchronized void join(JobTrace job) {
    if (jobs.containsKey(job)) {
      return;
    }
    jobs.put(job, new Open(Optional.empty()));
    if (phase != Phase.WAITING) {
      open(job);
    }
    if (phase == Phase.ENDED) {
      finish(job, Instant.now());
    }
  }

  /** The job wants the vertex no more. */
  synchronized void leave(JobTrace job) {
    if (phase != Phase.ENDED) {
      finish(job, working > 0 ? Instant.now() : lastWork);
    }
    jobs.remove(job);
  }

  /** The first work for the vertex. */
  synchronized void begin() {
    if (phase == Phase.WAITING) {
      phase = Phase.BEGUN;
      lastWork = Instant.now();
      List.copyOf(jobs.keySet()).forEach(this::open);
    }
  }

  synchronized void completed(boolean fromCache) {
    cached = fromCache;
    end(Optional.empty());
  }

  synchronized void failed(BuildException why) {
    end(Optional.of(why));
  }

  private void end(Optional<BuildException> why) {
    begin();
    if (phase == Phase.BEGUN) {
      phase = Phase.ENDED;
      failure = why;
      Instant now = Instant.now();
      List.copyOf(jobs.keySet()).forEach(job -> finish(job, now));
    }
  }

  private void open(JobTrace job) {
    Optional<SpanContext> first =
        jobs.values().stream()
            .flatMap(open -> open.span().stream())
            .map(Span::getSpanContext)
            .findFirst();
    jobs.put(job, new Open(job.open(this, vertex.name(), vertex.digest().value(), first)));
  }

  private void finish(JobTrace job, Instant at) {
    Open open = jobs.get(job);
    if (open != null && open.span().isPresent()) {
      Span span = open.span().get();
      if (cached) {
        span.setAttribute(CACHED, true);
      }
      failure.ifPresent(e -> span.setStatus(StatusCode.ERROR, e.getMessage()));
      span.end(at);
    }
  }

  /** Does a part of the vertex's work, shown as a span below the vertex's own. */
  <T> T part(String name, Callable<T> work) throws Exception {
    Context context;
    synchronized (this) {
      working++;
      context =
          jobs.entrySet().stream()
              .filter(job -> job.getValue().span().isPresent())
              .findFirst()
              .map(job -> job.getKey().below(job.getValue().span().get()))
              .orElse(Context.root());
    }
    try {
      return Traced.run(context, name + ": " + vertex.name(), Attributes.empty(), work::call);
    } finally {
      synchronized (this) {
        working--;
        lastWork = Instant.now();
      }
    }
  }
}
