package dev.kiln.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.kiln.control.history.BuildHistory;
import dev.kiln.grpc.control.Descriptor;
import dev.kiln.store.content.ContentStore;
import dev.kiln.tracing.Blocking;
import dev.kiln.tracing.BuildTraces;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The trace of an ended build as a blob: one span a line, in the JSON form of Go's OpenTelemetry
 * test stubs, which BuildKit's clients read (features C-21, C-24; v0.22 {@code
 * solver/llbsolver/solver.go}). Late spans are waited for 3 seconds, or until somebody hurries. Any
 * thread.
 */
final class TraceLog implements BuildHistory.TraceInProgress {
  private static final String MEDIA_TYPE = "application/vnd.buildkit.otlp.json.v0";
  private static final int PATIENCE_SECONDS = 3;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final CountDownLatch hurried = new CountDownLatch(1);
  private final CompletionStage<Optional<Descriptor>> done;

  private TraceLog(BuildTraces.Recording recording, ContentStore content) {
    this.done =
        Blocking.start(
                "trace-log",
                () -> {
                  try (recording) {
                    boolean _ = hurried.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
                    List<SpanData> spans = recording.spans();
                    return spans.isEmpty()
                        ? Optional.<Descriptor>empty()
                        : Optional.of(save(spans, content));
                  }
                })
            .done();
  }

  /** Takes over the recording and closes it when the trace is kept. */
  static TraceLog of(BuildTraces.Recording recording, ContentStore content) {
    return new TraceLog(recording, content);
  }

  @Override
  public void hurry() {
    hurried.countDown();
  }

  @Override
  public CompletionStage<Optional<Descriptor>> done() {
    return done;
  }

  private static Descriptor save(List<SpanData> spans, ContentStore content)
      throws JsonProcessingException {
    var text = new StringBuilder();
    for (SpanData span : spans) {
      text.append(JSON.writeValueAsString(json(span))).append('\n');
    }
    var blob = content.put(MEDIA_TYPE, text.toString().getBytes(StandardCharsets.UTF_8));
    return Descriptor.newBuilder()
        .setMediaType(MEDIA_TYPE)
        .setDigest(blob.digest().value())
        .setSize(blob.sizeBytes())
        .build();
  }

  private static ObjectNode json(SpanData span) {
    ObjectNode out = JSON.createObjectNode();
    out.put("Name", span.getName());
    out.set("SpanContext", json(span.getSpanContext()));
    out.set("Parent", json(span.getParentSpanContext()));
    out.put("SpanKind", span.getKind().ordinal() + 1);
    out.put("StartTime", time(span.getStartEpochNanos()));
    out.put("EndTime", time(span.getEndEpochNanos()));
    out.set("Attributes", json(span.getAttributes()));
    ArrayNode events = out.putArray("Events");
    span.getEvents()
        .forEach(event -> {
          ObjectNode one = events.addObject();
          one.put("Name", event.getName());
          one.set("Attributes", json(event.getAttributes()));
          one.put("DroppedAttributeCount", event.getDroppedAttributesCount());
          one.put("Time", time(event.getEpochNanos()));
        });
    ArrayNode links = out.putArray("Links");
    span.getLinks()
        .forEach(link -> {
          ObjectNode one = links.addObject();
          one.set("SpanContext", json(link.getSpanContext()));
          one.set("Attributes", json(link.getAttributes()));
          one.put("DroppedAttributeCount", 0);
        });
    ObjectNode status = out.putObject("Status");
    status.put(
        "Code",
        switch (span.getStatus().getStatusCode()) {
          case UNSET -> "Unset";
          case ERROR -> "Error";
          case OK -> "Ok";
        });
    status.put("Description", span.getStatus().getDescription());
    out.put("DroppedAttributes", span.getTotalAttributeCount() - span.getAttributes().size());
    out.put("DroppedEvents", span.getTotalRecordedEvents() - span.getEvents().size());
    out.put("DroppedLinks", span.getTotalRecordedLinks() - span.getLinks().size());
    out.put("ChildSpanCount", 0);
    out.set("Resource", json(span.getResource().getAttributes()));
    ObjectNode scope = out.putObject("InstrumentationLibrary");
    scope.put("Name", span.getInstrumentationScopeInfo().getName());
    scope.put("Version", "");
    scope.put("SchemaURL", "");
    return out;
  }

  private static ObjectNode json(SpanContext context) {
    ObjectNode out = JSON.createObjectNode();
    out.put("TraceID", context.getTraceId());
    out.put("SpanID", context.getSpanId());
    out.put("TraceFlags", context.getTraceFlags().asHex());
    out.put("TraceState", "");
    out.put("Remote", context.isRemote());
    return out;
  }

  private static ArrayNode json(Attributes attributes) {
    ArrayNode out = JSON.createArrayNode();
    attributes.forEach((key, value) -> {
      ObjectNode one = out.addObject();
      one.put("Key", key.getKey());
      ObjectNode typed = one.putObject("Value");
      switch (value) {
        case Boolean b -> typed.put("Type", "BOOL").put("Value", b);
        case Long l -> typed.put("Type", "INT64").put("Value", l);
        case Double d -> typed.put("Type", "FLOAT64").put("Value", d);
        case List<?> list -> {
          typed.put("Type", "STRINGSLICE");
          ArrayNode values = typed.putArray("Value");
          list.forEach(v -> values.add(String.valueOf(v)));
        }
        default -> typed.put("Type", "STRING").put("Value", String.valueOf(value));
      }
    });
    return out;
  }

  private static String time(long epochNanos) {
    Instant at = Instant.ofEpochSecond(0, epochNanos);
    return DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(at.atOffset(ZoneOffset.UTC));
  }
}
