package dev.kiln.grpc.services;

import dev.kiln.grpc.otlp.ExportTraceServiceRequest;
import dev.kiln.grpc.otlp.ExportTraceServiceResponse;
import dev.kiln.grpc.otlp.TraceService;
import dev.kiln.grpc.otlp.TraceServicePowerApi;
import dev.kiln.grpc.transport.Service;

/** The methods of {@code opentelemetry.proto.collector.trace.v1.TraceService}. Stateless. */
public final class TraceMethods {
  private TraceMethods() {}

  public static Service of(TraceServicePowerApi api) {
    return new Service(
        TraceService.description,
        methods ->
            methods.unary(
                "Export",
                ExportTraceServiceRequest.getDefaultInstance(),
                ExportTraceServiceResponse.getDefaultInstance(),
                api::export));
  }
}
