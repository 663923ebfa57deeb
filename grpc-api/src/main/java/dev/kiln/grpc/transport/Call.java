package dev.kiln.grpc.transport;

import akka.grpc.javadsl.Metadata;
import akka.grpc.javadsl.MetadataBuilder;
import akka.grpc.javadsl.MetadataEntry;
import akka.japi.Pair;
import akka.util.ByteString;
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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * One gRPC call as its handler sees it: request metadata, response metadata, the caller's trace
 * context, and a signal that the caller has left. A handler of a generated {@code …PowerApi} gets
 * it with {@link #of}. Any thread. The transport opens and ends it.
 */
public final class Call implements Metadata {
  private final io.grpc.Metadata headers;
  private final io.grpc.Metadata responseHeaders = new io.grpc.Metadata();
  private final CompletableFuture<Boolean> ended = new CompletableFuture<>();
  private final Span span;
  private final Context context;

  /**
   * @param path service and method, as they are on the wire
   */
  Call(io.grpc.Metadata headers, ServerSpans spans, String path) {
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

  /** The call that {@code metadata} came with; one that has ended where none did. */
  public static Call of(Metadata metadata) {
    if (metadata instanceof Call call) {
      return call;
    }
    var gone = new Call(new io.grpc.Metadata(), new ServerSpans(Optional.empty()), "");
    gone.ended.complete(true);
    return gone;
  }

  private static io.grpc.Metadata.Key<String> key(String name) {
    return io.grpc.Metadata.Key.of(name, io.grpc.Metadata.ASCII_STRING_MARSHALLER);
  }

  @Override
  public Optional<String> getText(String name) {
    return header(name);
  }

  @Override
  public Optional<ByteString> getBinary(String name) {
    byte[] value =
        headers.get(io.grpc.Metadata.Key.of(name, io.grpc.Metadata.BINARY_BYTE_MARSHALLER));
    return Optional.ofNullable(value).map(ByteString::fromArray);
  }

  @Override
  public Map<String, List<MetadataEntry>> asMap() {
    return akkas().asMap();
  }

  @Override
  public List<Pair<String, MetadataEntry>> asList() {
    return akkas().asList();
  }

  @Override
  public akka.grpc.scaladsl.Metadata asScala() {
    return akkas().asScala();
  }

  private Metadata akkas() {
    var all = new MetadataBuilder();
    headers().forEach((name, values) -> values.forEach(value -> all.addText(name, value)));
    return all.build();
  }

  /** First value of a request header. */
  public Optional<String> header(String name) {
    Iterable<String> all = headers.getAll(key(name));
    return all == null ? Optional.empty() : Optional.of(all.iterator().next());
  }

  /** All text headers of the request, by their names in lower case. */
  public Map<String, List<String>> headers() {
    var all = new HashMap<String, List<String>>();
    for (String name : headers.keys()) {
      if (!name.endsWith(io.grpc.Metadata.BINARY_HEADER_SUFFIX)) {
        all.put(name, headers(name));
      }
    }
    return all;
  }

  /** All values of a request header, in order. */
  public List<String> headers(String name) {
    var all = new ArrayList<String>();
    Iterable<String> values = headers.getAll(key(name));
    if (values != null) {
      values.forEach(all::add);
    }
    return all;
  }

  /**
   * Adds response metadata. Before the handler returns its stream or completes its answer; later
   * ones are not sent.
   */
  public void addResponseHeader(String name, String value) {
    responseHeaders.put(key(name), value);
  }

  io.grpc.Metadata responseHeaders() {
    return responseHeaders;
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

  /** Runs {@code action} once when the call ends, however that comes. */
  void onEnd(Runnable action) {
    var _ = ended.thenRun(action);
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
    return task.done();
  }

  /** A failed answer. */
  public static <T> CompletionStage<T> failed(BuildException failure) {
    return CompletableFuture.failedFuture(GrpcErrors.toGrpc(failure));
  }

  void failed(StatusRuntimeException told) {
    ServerSpans.code(span, told.getStatus().getCode());
    span.setStatus(StatusCode.ERROR, String.valueOf(told.getStatus().getDescription()));
  }

  /** Ends the call; {@code byCaller}: before it was answered. Idempotent. */
  void end(boolean byCaller) {
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
          return call.headers.keys();
        }

        @Override
        public @Nullable String get(@Nullable Call call, String key) {
          return call == null ? null : call.header(key).orElse(null);
        }
      };
}
