package dev.kiln.tracing;

import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Keeps the ended spans of each build that is being recorded, so that its record can hold its own
 * trace. Spans of traces that nobody records pass by. Any thread.
 */
public final class BuildTraces implements SpanProcessor {
  private static final int MAX_SPANS = 50_000;
  private final Map<String, List<Recording>> byTrace = new ConcurrentHashMap<>();

  /**
   * Keeps the spans of this trace from now on; who calls this closes the result. Builds may share a
   * trace.
   */
  public Recording record(String traceId) {
    var recording = new Recording(traceId);
    byTrace.compute(
        traceId,
        (id, all) -> {
          List<Recording> list = all == null ? new CopyOnWriteArrayList<>() : all;
          list.add(recording);
          return list;
        });
    return recording;
  }

  /**
   * The spans of one trace while it is open, at most {@value BuildTraces#MAX_SPANS}. Any thread.
   */
  public final class Recording implements AutoCloseable {
    private final String traceId;
    private final List<SpanData> spans = new ArrayList<>();

    private Recording(String traceId) {
      this.traceId = traceId;
    }

    /** The spans kept so far, in the order they ended. */
    public synchronized List<SpanData> spans() {
      return List.copyOf(spans);
    }

    private synchronized void keep(SpanData span) {
      if (spans.size() < MAX_SPANS) {
        spans.add(span);
      }
    }

    @Override
    public void close() {
      byTrace.computeIfPresent(
          traceId,
          (id, all) -> {
            all.remove(this);
            return all.isEmpty() ? null : all;
          });
    }
  }

  void add(Collection<SpanData> spans) {
    spans.forEach(this::keep);
  }

  private void keep(SpanData span) {
    List<Recording> recordings = byTrace.getOrDefault(span.getTraceId(), List.of());
    if (!recordings.isEmpty()) {
      SpanData redacted = RedactedSpan.of(span);
      recordings.forEach(recording -> recording.keep(redacted));
    }
  }

  @Override
  public void onEnd(ReadableSpan span) {
    if (byTrace.containsKey(span.getSpanContext().getTraceId())) {
      keep(span.toSpanData());
    }
  }

  @Override
  public boolean isEndRequired() {
    return true;
  }

  @Override
  public void onStart(Context parent, ReadWriteSpan span) {}

  @Override
  public boolean isStartRequired() {
    return false;
  }
}
