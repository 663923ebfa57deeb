package dev.kiln.session;

import io.grpc.Metadata;
import io.opentelemetry.api.baggage.propagation.W3CBaggagePropagator;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapPropagator;

/** Puts the current trace context into a call's metadata. Stateless, any thread. */
final class TraceHeaders {
  private static final TextMapPropagator PROPAGATOR =
      TextMapPropagator.composite(
          W3CTraceContextPropagator.getInstance(), W3CBaggagePropagator.getInstance());

  private TraceHeaders() {}

  static void inject(Metadata metadata) {
    PROPAGATOR.inject(
        Context.current(),
        metadata,
        (to, name, value) -> {
          if (to != null) {
            to.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
          }
        });
  }
}
