package dev.kiln.exec;

import dev.kiln.exec.RuntimeSpec.OciMount;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a container's process adds spans to the trace of its step: a collector's socket, and
 * variables that OpenTelemetry's SDKs read. No part of a cache key. Source: BuildKit v0.22.0,
 * {@code executor/oci/spec.go}, {@code util/tracing/exec/traceexec.go}.
 */
final class StepTracing {
  private static final String SOCKET = "/dev/otel-grpc.sock";

  private StepTracing() {}

  /** Empty where nothing listens at {@code socket}. */
  static Optional<OciMount> mount(Path socket) {
    return Files.exists(socket)
        ? Optional.of(new OciMount(SOCKET, "bind", socket.toString(), List.of("ro", "rbind")))
        : Optional.empty();
  }

  /** The variables of a process in the current span. */
  static List<String> environment() {
    var env =
        new ArrayList<>(
            List.of(
                "OTEL_TRACES_EXPORTER=otlp",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=unix://" + SOCKET,
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc"));
    Map<String, String> headers = new HashMap<>();
    W3CTraceContextPropagator.getInstance().inject(Context.current(), headers, Map::put);
    String[][] names = {
      {"OTEL_TRACE_PARENT", "traceparent"},
      {"OTEL_TRACE_STATE", "tracestate"},
      {"TRACEPARENT", "traceparent"},
      {"TRACESTATE", "tracestate"}
    };
    for (String[] name : names) {
      String value = headers.getOrDefault(name[1], "");
      if (!value.isEmpty()) {
        env.add(name[0] + "=" + value);
      }
    }
    return env;
  }
}
