package dev.kiln.tracing;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.ContextKey;

/**
 * Work as a span of its own, below the span that is current. The tracer travels in the context, so
 * that what does the work needs to know nothing of tracing; outside of any trace there is no span.
 * Any thread.
 */
public final class Traced {
  private static final ContextKey<Tracer> TRACER = ContextKey.named("dev.kiln.tracer");

  private Traced() {}

  /** Work that may throw what it likes. */
  @FunctionalInterface
  public interface Work<T, E extends Exception> {
    T run() throws E;
  }

  /** {@code parent}, in which spans are made by {@code tracer}. */
  public static Context context(Tracer tracer, Context parent) {
    return parent.with(TRACER, tracer);
  }

  /** Runs {@code work} in a span below the current one. */
  public static <T, E extends Exception> T run(String name, Work<T, E> work) throws E {
    return run(name, Attributes.empty(), work);
  }

  /** Runs {@code work} in a span below the current one. */
  public static <T, E extends Exception> T run(String name, Attributes attributes, Work<T, E> work)
      throws E {
    return run(Context.current(), name, attributes, work);
  }

  /** Runs {@code work} in a span below {@code parent}, which ends however the work ends. */
  public static <T, E extends Exception> T run(
      Context parent, String name, Attributes attributes, Work<T, E> work) throws E {
    Tracer tracer = parent.get(TRACER);
    if (tracer == null) {
      return work.run();
    }
    Span span = tracer.spanBuilder(name).setParent(parent).setAllAttributes(attributes).startSpan();
    try (var current = parent.with(span).makeCurrent()) {
      return work.run();
    } catch (Throwable e) {
      span.recordException(e);
      span.setStatus(StatusCode.ERROR, String.valueOf(e.getMessage()));
      throw e;
    } finally {
      span.end();
    }
  }
}
