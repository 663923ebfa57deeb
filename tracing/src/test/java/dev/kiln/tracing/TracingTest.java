package dev.kiln.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.data.StatusData;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class TracingTest {
  @Test
  void aRecordedTraceKeepsItsSpansAndOthersPassBy() {
    try (var tracing = Tracing.start(Map.of())) {
      Span build = tracing.tracer().spanBuilder("build").setNoParent().startSpan();
      String trace = build.getSpanContext().getTraceId();
      var recording = tracing.builds().record(trace);
      var second = tracing.builds().record(trace);
      tracing.tracer().spanBuilder("other").setNoParent().startSpan().end();
      try (var scope = build.makeCurrent()) {
        tracing.tracer().spanBuilder("step").startSpan().end();
      }
      second.close();
      build.end();
      recording.close();
      tracing.tracer().spanBuilder("late").setParent(Context.root().with(build)).startSpan().end();
      assertThat(recording.spans()).extracting(SpanData::getName).containsExactly("step", "build");
      assertThat(second.spans()).extracting(SpanData::getName).containsExactly("step");
    }
  }

  @Test
  void blockingWorkSeesTheCallersContextAndEndsWhateverEndsIt() throws Exception {
    try (var tracing = Tracing.start(Map.of("OTEL_SERVICE_NAME", "x"))) {
      Span span = tracing.tracer().spanBuilder("caller").startSpan();
      try (var scope = span.makeCurrent()) {
        var seen = Blocking.start("t", () -> Span.current().getSpanContext().getSpanId());
        assertThat(seen.done().toCompletableFuture().get(5, TimeUnit.SECONDS))
            .isEqualTo(span.getSpanContext().getSpanId());
      }
      var failed =
          Blocking.onPlatform(
              "f",
              () -> {
                throw new AssertionError("boom");
              });
      assertThat(
              failed
                  .done()
                  .toCompletableFuture()
                  .handle((ok, error) -> error)
                  .get(5, TimeUnit.SECONDS))
          .hasMessage("boom");
    }
  }

  @Test
  void whatLeavesTheDaemonHoldsNoCredentials() {
    var exported = new ArrayList<SpanData>();
    var exporter =
        new SlowExporter() {
          @Override
          public CompletableResultCode export(Collection<SpanData> spans) {
            exported.addAll(spans);
            return CompletableResultCode.ofSuccess();
          }
        };
    exporter.sent.succeed();
    String url = "http://usr:PW@host/x?sig=SIGN";
    var linked =
        SpanContext.create(
            "0af7651916cd43dd8448eb211c80319c",
            "b7ad6b7169203331",
            TraceFlags.getSampled(),
            TraceState.getDefault());
    try (var provider =
        SdkTracerProvider.builder()
            .addSpanProcessor(SimpleSpanProcessor.create(RedactedSpan.exporter(exporter)))
            .build()) {
      Span span =
          provider
              .get("t")
              .spanBuilder("ADD " + url)
              .addLink(linked, Attributes.of(AttributeKey.stringKey("from"), url))
              .startSpan();
      span.setAttribute("command", "build " + url).setAttribute("count", 3);
      span.setAttribute(AttributeKey.stringArrayKey("args"), List.of("build", url));
      span.recordException(new IOException("no " + url));
      span.addEvent("got " + url);
      span.setStatus(StatusCode.ERROR, "no " + url);
      span.end();
    }
    String shown = "http://xxxxx:xxxxx@host/x?sig=xxxxx";
    assertThat(exported)
        .singleElement()
        .satisfies(span -> {
          assertThat(span.getName()).isEqualTo("ADD " + shown);
          assertThat(span.getStatus())
              .isEqualTo(StatusData.create(StatusCode.ERROR, "no " + shown));
          assertThat(span.getAttributes().asMap().values())
              .containsExactlyInAnyOrder("build " + shown, 3L, List.of("build", shown));
          assertThat(span.getLinks())
              .singleElement()
              .satisfies(link -> {
                assertThat(link.getSpanContext()).isEqualTo(linked);
                assertThat(link.getAttributes().asMap().values()).containsExactly(shown);
              });
          assertThat(span.getEvents()).hasSize(2);
          assertThat(span.getEvents().toString())
              .contains("no " + shown, "got " + shown)
              .doesNotContain("PW", "SIGN");
        });
  }

  /** An exporter whose answer comes from outside. */
  private static class SlowExporter implements SpanExporter {
    final CompletableResultCode sent = new CompletableResultCode();
    volatile boolean sentBeforeShutdown;

    @Override
    public CompletableResultCode export(Collection<SpanData> spans) {
      return sent;
    }

    @Override
    public CompletableResultCode flush() {
      return CompletableResultCode.ofSuccess();
    }

    @Override
    public CompletableResultCode shutdown() {
      sentBeforeShutdown = sent.isDone();
      return CompletableResultCode.ofSuccess();
    }
  }

  @Test
  void aCollectorThatDoesNotAnswerDelaysTheEndOnce() {
    var exporter = new SlowExporter();
    var sdk =
        OpenTelemetrySdk.builder()
            .setTracerProvider(
                SdkTracerProvider.builder()
                    .addSpanProcessor(BatchSpanProcessor.builder(exporter).build())
                    .build())
            .build();
    var patience = Duration.ofSeconds(1);
    var tracing = new Tracing(sdk, Optional.of(exporter), new BuildTraces(), patience);
    tracing.tracer().spanBuilder("build").startSpan().end();
    tracing.forward(List.of());
    Instant begun = Instant.now();
    tracing.close();
    assertThat(Duration.between(begun, Instant.now()))
        .isBetween(patience, patience.multipliedBy(2));
  }

  @Test
  void forwardedSpansAreSentBeforeTheEnd() throws Exception {
    var exporter = new SlowExporter();
    var sdk =
        OpenTelemetrySdk.builder()
            .setTracerProvider(
                SdkTracerProvider.builder()
                    .addSpanProcessor(SimpleSpanProcessor.create(exporter))
                    .build())
            .build();
    var tracing = new Tracing(sdk, Optional.of(exporter), new BuildTraces());
    tracing.forward(List.of());
    Thread closing = Thread.ofPlatform().start(tracing::close);
    while (closing.getState() != Thread.State.TIMED_WAITING
        && closing.getState() != Thread.State.TERMINATED) {
      Thread.onSpinWait();
    }
    exporter.sent.succeed();
    closing.join();
    assertThat(exporter.sentBeforeShutdown).isTrue();
  }
}
