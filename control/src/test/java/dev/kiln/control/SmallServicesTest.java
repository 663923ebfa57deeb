package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.ActorSystem;
import akka.grpc.javadsl.Metadata;
import akka.grpc.javadsl.MetadataBuilder;
import akka.stream.javadsl.Sink;
import com.google.protobuf.ByteString;
import dev.kiln.grpc.health.HealthCheckRequest;
import dev.kiln.grpc.health.HealthCheckResponse;
import dev.kiln.grpc.health.HealthCheckResponse.ServingStatus;
import dev.kiln.grpc.otlp.ExportTraceServiceRequest;
import dev.kiln.grpc.otlp.ResourceSpans;
import dev.kiln.grpc.otlp.ScopeSpans;
import dev.kiln.grpc.otlp.Span;
import dev.kiln.tracing.Tracing;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** S-11 and S-13: the services beside Control that answer without a build. */
@Timeout(60)
class SmallServicesTest {
  private static final Metadata NONE = new MetadataBuilder().build();

  private static HealthCheckRequest of(String service) {
    return HealthCheckRequest.newBuilder().setService(service).build();
  }

  @Test
  void theDaemonAsAWholeServesAndNothingElseIsKnown() throws Exception {
    var health = new HealthService();
    assertThat(health.check(of(""), NONE).toCompletableFuture().get().getStatus())
        .isEqualTo(ServingStatus.SERVING);
    assertThatThrownBy(() -> health.check(of("x"), NONE).toCompletableFuture().get())
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Code.NOT_FOUND));
  }

  @Test
  void whoWatchesHealthIsToldAtOnce() throws Exception {
    var health = new HealthService();
    ActorSystem system = ActorSystem.create();
    try {
      for (var expected :
          Map.of("", ServingStatus.SERVING, "x", ServingStatus.SERVICE_UNKNOWN).entrySet()) {
        HealthCheckResponse first =
            health
                .watch(of(expected.getKey()), NONE)
                .runWith(Sink.head(), system)
                .toCompletableFuture()
                .get();
        assertThat(first.getStatus()).isEqualTo(expected.getValue());
      }
    } finally {
      system.terminate();
    }
  }

  @Test
  void spansOfClientsJoinTheTraceOfTheirBuild() throws Exception {
    String trace = "0af7651916cd43dd8448eb211c80319c";
    byte[] id = java.util.HexFormat.of().parseHex(trace);
    var span =
        Span.newBuilder()
            .setTraceId(ByteString.copyFrom(id))
            .setSpanId(ByteString.copyFrom(id, 0, 8))
            .setName("build of the client")
            .setKind(Span.SpanKind.SPAN_KIND_CLIENT)
            .setStartTimeUnixNano(1)
            .setEndTimeUnixNano(2)
            .build();
    try (Tracing tracing = Tracing.start(Map.of());
        var recording = tracing.builds().record(trace)) {
      new TraceService(tracing)
          .export(
              ExportTraceServiceRequest.newBuilder()
                  .addResourceSpans(
                      ResourceSpans.newBuilder()
                          .addScopeSpans(ScopeSpans.newBuilder().addSpans(span)))
                  .build(),
              NONE)
          .toCompletableFuture()
          .get();
      assertThat(recording.spans())
          .extracting(SpanData::getName, SpanData::getEndEpochNanos)
          .containsExactly(org.assertj.core.groups.Tuple.tuple("build of the client", 2L));
    }
  }
}
