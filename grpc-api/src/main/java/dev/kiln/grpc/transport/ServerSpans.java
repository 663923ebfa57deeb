package dev.kiln.grpc.transport;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.Optional;
import java.util.Set;

/**
 * A span for each call whose caller traces, below the caller's: OpenTelemetry's semantic
 * conventions for RPC servers, under the names that BuildKit's spans have (v0.22 {@code
 * util/tracing/grpcstats.go}, which leaves out the same calls). Immutable, any thread.
 */
record ServerSpans(Optional<Tracer> tracer) {
  private static final AttributeKey<String> SYSTEM = AttributeKey.stringKey("rpc.system");
  private static final AttributeKey<String> SERVICE = AttributeKey.stringKey("rpc.service");
  private static final AttributeKey<String> METHOD = AttributeKey.stringKey("rpc.method");
  private static final AttributeKey<Long> CODE = AttributeKey.longKey("rpc.grpc.status_code");

  /** Would tell of themselves, or of nothing. */
  private static final Set<String> UNTOLD =
      Set.of(
          "opentelemetry.proto.collector.trace.v1.TraceService/Export",
          "grpc.health.v1.Health/Check");

  /**
   * Starts the span of a call; one that does nothing where the caller does not trace.
   *
   * @param path service and method
   */
  Span start(String path, Context caller) {
    if (tracer.isEmpty()
        || UNTOLD.contains(path)
        || !Span.fromContext(caller).getSpanContext().isValid()) {
      return Span.getInvalid();
    }
    int slash = path.lastIndexOf('/');
    return tracer
        .get()
        .spanBuilder(path)
        .setSpanKind(SpanKind.SERVER)
        .setParent(caller)
        .setAttribute(SYSTEM, "grpc")
        .setAttribute(SERVICE, slash < 0 ? "" : path.substring(0, slash))
        .setAttribute(METHOD, path.substring(slash + 1))
        .startSpan();
  }

  static void code(Span span, io.grpc.Status.Code code) {
    span.setAttribute(CODE, (long) code.value());
  }
}
