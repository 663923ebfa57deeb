package dev.kiln.control;

import akka.grpc.javadsl.Metadata;
import dev.kiln.grpc.otlp.ExportTraceServiceRequest;
import dev.kiln.grpc.otlp.ExportTraceServiceResponse;
import dev.kiln.grpc.otlp.TraceServicePowerApi;
import dev.kiln.grpc.transport.Call;
import dev.kiln.tracing.Tracing;
import java.util.concurrent.CompletionStage;

/**
 * OTLP's trace collector: spans that clients and build steps made go on to the daemon's exporter
 * and into the traces of the builds they belong to. Any thread.
 */
public final class TraceService implements TraceServicePowerApi {
  private final Tracing tracing;

  public TraceService(Tracing tracing) {
    this.tracing = tracing;
  }

  @Override
  public CompletionStage<ExportTraceServiceResponse> export(
      ExportTraceServiceRequest in, Metadata metadata) {
    return Call.of(metadata)
        .answer(
            "export-spans",
            () -> {
              tracing.forward(OtlpSpans.decoded(in.getResourceSpansList()));
              return ExportTraceServiceResponse.getDefaultInstance();
            });
  }
}
