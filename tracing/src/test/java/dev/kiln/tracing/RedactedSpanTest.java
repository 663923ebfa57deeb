package dev.kiln.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.Test;

/** No text of a span leaves the daemon with a password, wherever in the span it is. */
final class RedactedSpanTest {
  private static final String SECRET = "hunter2";
  private static final String URL = "https://user:" + SECRET + "@host/path?sig=" + SECRET;
  private static final AttributeKey<String> TEXT = AttributeKey.stringKey("text");

  private final List<SpanData> left = new ArrayList<>();

  private final SpanExporter exporter =
      new SpanExporter() {
        @Override
        public CompletableResultCode export(Collection<SpanData> spans) {
          left.addAll(spans);
          return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode flush() {
          return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
          return CompletableResultCode.ofSuccess();
        }
      };

  @Test
  void everyTextIsMasked() {
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
              .get("test")
              .spanBuilder("fetch " + URL)
              .addLink(linked, Attributes.of(TEXT, URL))
              .setAttribute(TEXT, URL)
              .setAttribute(AttributeKey.stringArrayKey("texts"), List.of("plain", URL))
              .startSpan();
      span.addEvent("redirected to " + URL, Attributes.of(TEXT, URL));
      span.recordException(new IllegalStateException("no answer of " + URL));
      span.setStatus(StatusCode.ERROR, "failed: " + URL);
      span.end();
    }
    SpanData span = left.getFirst();
    assertThat(
            List.of(
                span.getName(),
                span.getStatus().getDescription(),
                span.getAttributes().toString(),
                span.getEvents().toString(),
                span.getLinks().toString()))
        .allSatisfy(text -> assertThat(text).doesNotContain(SECRET).contains("host/path"));
    assertThat(span.getLinks().getFirst().getSpanContext()).isEqualTo(linked);
  }
}
