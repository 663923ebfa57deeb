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
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * The spans of one vertex: one for each job that wants it, which lasts while the vertex runs or its
 * result is loaded (or from the job's coming, where that is later). A source's key is such work
 * too; keys of others are found early and wait for the inputs: they are shown below the span, and
 * how long the vertex waited is an attribute. What is done for the vertex is shown below the span
 * of the job that came first; those of the others link to that one. Where only the vertex's key was
 * of use, its span is the last of that work. Any thread.
 */
final class StepTrace {
  private static final AttributeKey<Boolean> CACHED = AttributeKey.booleanKey("kiln.step.cached");

  /** From the first work for the vertex to what its span shows. */
  private static final AttributeKey<Long> WAITED = AttributeKey.longKey("kiln.step.waited_ms");

  /** How long the step waited for a slot; absent where it did not. */
  private static final AttributeKey<Long> QUEUED = AttributeKey.longKey("kiln.step.queued_ms");

  private enum Phase {
    WAITING,
    BEGUN,
    ENDED
  }

  private record Open(Optional<Span> span) {}

  /** A part that was over before there was a span to show it below. */
  private record Early(String name, Instant from, Instant to, Optional<Throwable> failure) {}

  private final Vertex vertex;
  private final Map<JobTrace, Open> jobs = new LinkedHashMap<>();
  private Phase phase = Phase.WAITING;
  private Optional<BuildException> failure = Optional.empty();
  private boolean cached;
  private int working;
  private Duration queued = Duration.ZERO;
  private final List<Early> early = new ArrayList<>();
  private Instant begun = Instant.EPOCH;
  private Instant lastWork = Instant.EPOCH;

  StepTrace(Vertex vertex) {
    this.vertex = vertex;
  }

  synchronized void join(JobTrace job) {
    if (jobs.containsKey(job) || !job.add(this)) {
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
    if (phase == Phase.WAITING && !early.isEmpty()) {
      begin(early.getLast().from());
    }
    if (phase == Phase.BEGUN) {
      finish(job, working > 0 ? Instant.now() : lastWork);
    }
    jobs.remove(job);
  }

  /** Work that the spans show begins. */
  private void begin(Instant at) {
    if (phase == Phase.WAITING) {
      phase = Phase.BEGUN;
      begun = at;
      List.copyOf(jobs.keySet()).forEach(this::open);
    }
  }

  /** The vertex's run waited this long for a slot. */
  synchronized void queued(Duration time) {
    queued = time;
  }

  /** A vertex after this one came from the cache, so that this one's result was not needed. */
  synchronized boolean spared() {
    boolean onlyItsKey =
        phase == Phase.WAITING || phase == Phase.BEGUN && vertex.inputs().isEmpty();
    boolean news = !cached && onlyItsKey;
    cached |= news;
    return news;
  }

  synchronized void completed(boolean fromCache) {
    cached = fromCache;
    end(Optional.empty());
  }

  synchronized void failed(BuildException why) {
    end(Optional.of(why));
  }

  private void end(Optional<BuildException> why) {
    begin(Instant.now());
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
    Instant from = first.isEmpty() ? begun : Instant.now();
    Span span = job.open(vertex.name(), vertex.digest().value(), from, first);
    jobs.put(job, new Open(Optional.of(span)));
    if (first.isEmpty() && !early.isEmpty()) {
      span.setAttribute(WAITED, Duration.between(early.getFirst().from(), begun).toMillis());
      early.forEach(
          part -> job.show(span, shown(part.name()), part.from(), part.to(), part.failure()));
    }
  }

  private void finish(JobTrace job, Instant at) {
    Open open = jobs.get(job);
    if (open != null && open.span().isPresent()) {
      Span span = open.span().get();
      if (cached) {
        span.setAttribute(CACHED, true);
      }
      if (queued.isPositive()) {
        span.setAttribute(QUEUED, queued.toMillis());
      }
      failure.ifPresent(e -> span.setStatus(StatusCode.ERROR, e.getMessage()));
      span.end(at);
    }
  }

  private String shown(String part) {
    return part + ": " + vertex.name();
  }

  /**
   * Does a part of the vertex's work, shown as a span below the vertex's own.
   *
   * @param main whether the vertex's span begins with it
   */
  <T> T part(String name, boolean main, Callable<T> work) throws Exception {
    Optional<Context> below;
    Instant from = Instant.now();
    synchronized (this) {
      working++;
      if (main) {
        begin(from);
      }
      below =
          jobs.entrySet().stream()
              .filter(job -> job.getValue().span().isPresent())
              .findFirst()
              .map(job -> job.getKey().below(job.getValue().span().get()));
    }
    Optional<Throwable> why = Optional.empty();
    try {
      return below.isPresent()
          ? Traced.run(below.get(), shown(name), Attributes.empty(), work::call)
          : early(work);
    } catch (Throwable e) {
      why = Optional.of(e);
      throw e;
    } finally {
      synchronized (this) {
        working--;
        lastWork = Instant.now();
        if (below.isEmpty() && phase == Phase.WAITING) {
          early.add(new Early(name, from, lastWork, why));
        }
      }
    }
  }

  /** What is traced within shows below the job's own span. */
  private <T> T early(Callable<T> work) throws Exception {
    Context context;
    synchronized (this) {
      context = jobs.keySet().stream().findFirst().map(JobTrace::context).orElse(Context.root());
    }
    try (var _ = context.makeCurrent()) {
      return work.call();
    }
  }
}
