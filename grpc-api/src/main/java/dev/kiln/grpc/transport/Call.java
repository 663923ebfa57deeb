package dev.kiln.grpc.transport;

import akka.grpc.javadsl.Metadata;
import akka.http.javadsl.model.HttpHeader;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.headers.RawHeader;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.model.BuildException;
import dev.kiln.tracing.Blocking;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.opentelemetry.api.baggage.propagation.W3CBaggagePropagator;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One gRPC call as its handler sees it: request metadata, response metadata, the caller's trace
 * context, and a signal that the caller has left, which stock Akka gives to streaming handlers
 * only. A handler of a generated {@code …PowerApi} gets it with {@link #of}. Any thread. The
 * transport opens and ends it.
 */
public final class Call {
  /**
   * Akka gRPC hands a handler the request's headers and nothing else, so a call is named by a
   * header of ours; the transport removes one that a client sent.
   */
  static final String ID_HEADER = "kiln-call-id";

  private static final Map<String, Call> OPEN = new ConcurrentHashMap<>();
  private static final AtomicLong NEXT = new AtomicLong();

  private final String id = Long.toString(NEXT.incrementAndGet());
  private final Map<String, List<String>> headers;
  private final List<HttpHeader> responseHeaders = new CopyOnWriteArrayList<>();
  private final CompletableFuture<Boolean> ended = new CompletableFuture<>();
  private final Span span;
  private final Context context;

  private Call(Map<String, List<String>> headers, ServerSpans spans, String path) {
    this.headers = headers;
    Context caller =
        W3CBaggagePropagator.getInstance()
            .extract(
                W3CTraceContextPropagator.getInstance().extract(Context.root(), this, GETTER),
                this,
                GETTER);
    this.span = spans.start(path, caller);
    this.context = span.getSpanContext().isValid() ? caller.with(span) : caller;
  }

  /**
   * @param path service and method, as they are on the wire
   */
  static Call open(Map<String, List<String>> headers, ServerSpans spans, String path) {
    var call = new Call(headers, spans, path);
    OPEN.put(call.id, call);
    return call;
  }

  /** The call that {@code metadata} came with; from its handler only, while the call lasts. */
  public static Call of(Metadata metadata) {
    return metadata
        .getText(ID_HEADER)
        .map(OPEN::get)
        .orElseGet(() -> {
          // Ended before its handler ran: what it starts is told at once.
          var gone = new Call(Map.of(), new ServerSpans(Optional.empty()), "");
          gone.ended.complete(true);
          return gone;
        });
  }

  String id() {
    return id;
  }

  /** First value of a request header, by its name in lower case. */
  public Optional<String> header(String name) {
    return headers(name).stream().findFirst();
  }

  /** All request headers, by their names in lower case. */
  public Map<String, List<String>> headers() {
    return headers;
  }

  /** All values of a request header, in order. */
  public List<String> headers(String name) {
    return headers.getOrDefault(name.toLowerCase(Locale.ROOT), List.of());
  }

  /**
   * Adds response metadata. Before the handler returns its stream or completes its answer; later
   * ones are not sent.
   */
  public void addResponseHeader(String name, String value) {
    responseHeaders.add(RawHeader.create(name, value));
  }

  HttpResponse decorated(HttpResponse response) {
    return responseHeaders.isEmpty() ? response : response.addHeaders(responseHeaders);
  }

  /**
   * The caller's trace context (W3C {@code traceparent}, {@code tracestate}, {@code baggage}), with
   * the span of this call where the caller traces.
   */
  public Context context() {
    return context;
  }

  /** Whether the caller has cancelled or vanished. */
  public boolean canceled() {
    return ended.getNow(false);
  }

  /**
   * Runs {@code action} once when the caller cancels or its connection ends before the call is
   * answered; at once if that has happened. On a transport thread: it must not block.
   */
  public void onCancel(Runnable action) {
    var _ =
        ended.thenAccept(byCaller -> {
          if (byCaller) {
            action.run();
          }
        });
  }

  /**
   * Answers the call from blocking code on a virtual thread of its own, which is interrupted when
   * the caller leaves. The caller's trace context is current in it.
   */
  public <T> CompletionStage<T> answer(String name, Callable<T> work) {
    Blocking.Task<T> task;
    try (Scope _ = context.makeCurrent()) {
      task = Blocking.start(name, work);
    }
    onCancel(task::interrupt);
    return task.done()
        .whenComplete((_, failure) -> {
          if (failure != null) {
            failed(failure);
          }
        });
  }

  /** A failed answer. */
  public static <T> CompletionStage<T> failed(BuildException failure) {
    return CompletableFuture.failedFuture(GrpcErrors.toGrpc(failure));
  }

  private void failed(Throwable failure) {
    StatusRuntimeException told = GrpcErrors.toGrpc(failure);
    ServerSpans.code(span, told.getStatus().getCode());
    span.setStatus(StatusCode.ERROR, String.valueOf(told.getStatus().getDescription()));
  }

  /** Ends the call; {@code byCaller}: before it was answered. Idempotent. */
  void end(boolean byCaller) {
    OPEN.remove(id);
    ended.complete(byCaller);
    if (byCaller) {
      ServerSpans.code(span, Status.Code.CANCELLED);
    }
    span.end();
  }

  private static final TextMapGetter<Call> GETTER =
      new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(Call call) {
          return call.headers.keySet();
        }

        @Override
        public @Nullable String get(@Nullable Call call, String key) {
          return call == null ? null : call.header(key).orElse(null);
        }
      };
}
