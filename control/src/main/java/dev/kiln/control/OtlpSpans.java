package dev.kiln.control;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.otlp.AnyValue;
import dev.kiln.grpc.otlp.KeyValue;
import dev.kiln.grpc.otlp.ResourceSpans;
import dev.kiln.grpc.otlp.ScopeSpans;
import dev.kiln.grpc.otlp.Span;
import dev.kiln.grpc.otlp.Status;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.sdk.common.InstrumentationScopeInfo;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.data.EventData;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.data.StatusData;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Function;

/**
 * OTLP's spans as the SDK's, so that a client's spans can be exported and kept like our own
 * (OpenTelemetry proto 1.3.1, trace/v1). Nested attribute values become their text, and secrets of
 * cache options are left out. Pure.
 */
final class OtlpSpans {
  private static final HexFormat HEX = HexFormat.of();

  private OtlpSpans() {}

  /** A span made elsewhere. */
  private record Received(
      SpanContext getSpanContext,
      SpanContext getParentSpanContext,
      Resource getResource,
      InstrumentationScopeInfo getInstrumentationScopeInfo,
      String getName,
      SpanKind getKind,
      long getStartEpochNanos,
      Attributes getAttributes,
      List<EventData> getEvents,
      List<LinkData> getLinks,
      StatusData getStatus,
      long getEndEpochNanos,
      int getTotalRecordedEvents,
      int getTotalRecordedLinks,
      int getTotalAttributeCount)
      implements SpanData {
    @Override
    public boolean hasEnded() {
      return true;
    }

    @Override
    @Deprecated
    public io.opentelemetry.sdk.common.InstrumentationLibraryInfo getInstrumentationLibraryInfo() {
      return io.opentelemetry.sdk.common.InstrumentationLibraryInfo.create(
          getInstrumentationScopeInfo.getName(), getInstrumentationScopeInfo.getVersion());
    }
  }

  static List<SpanData> decoded(List<ResourceSpans> all) {
    var spans = new ArrayList<SpanData>();
    for (ResourceSpans ofResource : all) {
      Resource resource = Resource.create(attributes(ofResource.getResource().getAttributesList()));
      for (ScopeSpans ofScope : ofResource.getScopeSpansList()) {
        InstrumentationScopeInfo scope =
            InstrumentationScopeInfo.builder(ofScope.getScope().getName())
                .setVersion(ofScope.getScope().getVersion())
                .build();
        ofScope.getSpansList().forEach(span -> spans.add(span(span, resource, scope)));
      }
    }
    return spans;
  }

  private static SpanData span(Span span, Resource resource, InstrumentationScopeInfo scope) {
    return new Received(
        context(span.getTraceId(), span.getSpanId(), false),
        span.getParentSpanId().isEmpty()
            ? SpanContext.getInvalid()
            : context(span.getTraceId(), span.getParentSpanId(), true),
        resource,
        scope,
        span.getName(),
        kind(span.getKind()),
        span.getStartTimeUnixNano(),
        attributes(span.getAttributesList()),
        span.getEventsList().stream().map(OtlpSpans::event).toList(),
        span.getLinksList().stream()
            .map(link ->
                LinkData.create(
                    context(link.getTraceId(), link.getSpanId(), true),
                    attributes(link.getAttributesList())))
            .toList(),
        status(span.getStatus()),
        span.getEndTimeUnixNano(),
        span.getEventsCount() + span.getDroppedEventsCount(),
        span.getLinksCount() + span.getDroppedLinksCount(),
        span.getAttributesCount() + span.getDroppedAttributesCount());
  }

  private static SpanContext context(ByteString trace, ByteString span, boolean remote) {
    String traceId = HEX.formatHex(trace.toByteArray());
    String spanId = HEX.formatHex(span.toByteArray());
    return remote
        ? SpanContext.createFromRemoteParent(
            traceId, spanId, TraceFlags.getSampled(), TraceState.getDefault())
        : SpanContext.create(traceId, spanId, TraceFlags.getSampled(), TraceState.getDefault());
  }

  private static EventData event(Span.Event event) {
    return EventData.create(
        event.getTimeUnixNano(), event.getName(), attributes(event.getAttributesList()));
  }

  private static SpanKind kind(Span.SpanKind kind) {
    return switch (kind) {
      case SPAN_KIND_SERVER -> SpanKind.SERVER;
      case SPAN_KIND_CLIENT -> SpanKind.CLIENT;
      case SPAN_KIND_PRODUCER -> SpanKind.PRODUCER;
      case SPAN_KIND_CONSUMER -> SpanKind.CONSUMER;
      case SPAN_KIND_INTERNAL, SPAN_KIND_UNSPECIFIED, UNRECOGNIZED -> SpanKind.INTERNAL;
    };
  }

  private static StatusData status(Status status) {
    return switch (status.getCode()) {
      case STATUS_CODE_OK -> StatusData.ok();
      case STATUS_CODE_ERROR ->
          StatusData.create(io.opentelemetry.api.trace.StatusCode.ERROR, status.getMessage());
      case STATUS_CODE_UNSET, UNRECOGNIZED -> StatusData.unset();
    };
  }

  private static Attributes attributes(List<KeyValue> all) {
    AttributesBuilder attributes = Attributes.builder();
    for (KeyValue pair : all) {
      put(attributes, pair.getKey(), pair.getValue());
    }
    return attributes.build();
  }

  private static void put(AttributesBuilder to, String key, AnyValue value) {
    switch (value.getValueCase()) {
      case STRING_VALUE -> to.put(key, SecretText.masked(value.getStringValue()));
      case BOOL_VALUE -> to.put(key, value.getBoolValue());
      case INT_VALUE -> to.put(key, value.getIntValue());
      case DOUBLE_VALUE -> to.put(key, value.getDoubleValue());
      case BYTES_VALUE -> to.put(key, HEX.formatHex(value.getBytesValue().toByteArray()));
      case KVLIST_VALUE -> to.put(key, SecretText.masked(value.getKvlistValue().toString()));
      case ARRAY_VALUE -> putArray(to, key, value.getArrayValue().getValuesList());
      case VALUE_NOT_SET -> {}
    }
  }

  /** An array takes the type of its first value. */
  private static void putArray(AttributesBuilder to, String key, List<AnyValue> values) {
    switch (values.isEmpty() ? AnyValue.ValueCase.STRING_VALUE : values.getFirst().getValueCase()) {
      case BOOL_VALUE ->
          to.put(AttributeKey.booleanArrayKey(key), list(values, AnyValue::getBoolValue));
      case INT_VALUE -> to.put(AttributeKey.longArrayKey(key), list(values, AnyValue::getIntValue));
      case DOUBLE_VALUE ->
          to.put(AttributeKey.doubleArrayKey(key), list(values, AnyValue::getDoubleValue));
      case STRING_VALUE, BYTES_VALUE, KVLIST_VALUE, ARRAY_VALUE, VALUE_NOT_SET ->
          to.put(
              AttributeKey.stringArrayKey(key),
              list(values, value -> SecretText.masked(value.getStringValue())));
    }
  }

  private static <T> List<T> list(List<AnyValue> values, Function<AnyValue, T> each) {
    return values.stream().map(each).toList();
  }
}
