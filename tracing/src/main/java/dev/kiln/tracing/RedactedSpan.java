package dev.kiln.tracing;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.AttributeType;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.DelegatingSpanData;
import io.opentelemetry.sdk.trace.data.EventData;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.data.StatusData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.List;

/**
 * A span as it leaves the daemon: its texts hold commands, URLs and errors of clients, of which
 * {@link Redaction} has taken the credentials. Immutable.
 */
final class RedactedSpan extends DelegatingSpanData {
  private final String name;
  private final StatusData status;
  private final Attributes attributes;
  private final List<EventData> events;
  private final List<LinkData> links;

  private RedactedSpan(SpanData span) {
    super(span);
    name = Redaction.forOperators(span.getName());
    StatusData given = span.getStatus();
    status =
        StatusData.create(given.getStatusCode(), Redaction.forOperators(given.getDescription()));
    attributes = redacted(span.getAttributes());
    events = span.getEvents().stream().map(RedactedSpan::redacted).toList();
    links = span.getLinks().stream().map(RedactedSpan::redacted).toList();
  }

  static SpanData of(SpanData span) {
    return span instanceof RedactedSpan ? span : new RedactedSpan(span);
  }

  /** Sends what it gets on to {@code to} without credentials, and is closed as that one. */
  static SpanExporter exporter(SpanExporter to) {
    return new SpanExporter() {
      @Override
      public CompletableResultCode export(Collection<SpanData> spans) {
        return to.export(spans.stream().map(RedactedSpan::of).toList());
      }

      @Override
      public CompletableResultCode flush() {
        return to.flush();
      }

      @Override
      public CompletableResultCode shutdown() {
        return to.shutdown();
      }
    };
  }

  @Override
  public String getName() {
    return name;
  }

  @Override
  public StatusData getStatus() {
    return status;
  }

  @Override
  public Attributes getAttributes() {
    return attributes;
  }

  @Override
  public List<EventData> getEvents() {
    return events;
  }

  @Override
  public List<LinkData> getLinks() {
    return links;
  }

  private static LinkData redacted(LinkData link) {
    return LinkData.create(
        link.getSpanContext(), redacted(link.getAttributes()), link.getTotalAttributeCount());
  }

  /** An exception is one: its message and stack are attributes. */
  private static EventData redacted(EventData event) {
    return EventData.create(
        event.getEpochNanos(),
        Redaction.forOperators(event.getName()),
        redacted(event.getAttributes()),
        event.getTotalAttributeCount());
  }

  private static Attributes redacted(Attributes from) {
    AttributesBuilder to = from.toBuilder();
    from.forEach((key, value) -> {
      if (key.getType() == AttributeType.STRING) {
        to.put(AttributeKey.stringKey(key.getKey()), Redaction.forOperators((String) value));
      } else if (key.getType() == AttributeType.STRING_ARRAY) {
        List<String> all =
            ((List<?>) value).stream().map(each -> Redaction.forOperators((String) each)).toList();
        to.put(AttributeKey.stringArrayKey(key.getKey()), all);
      }
    });
    return to.build();
  }
}
