package dev.kiln.session;

import com.google.protobuf.Message;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.ThreadPerTask;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** How the callers of this package make gRPC calls over a session. Stateless, any thread. */
final class Calls {
  /** One virtual thread for each run of callbacks: they may block, and hold no event loop. */
  private static final Executor CALLBACKS = new ThreadPerTask("session-call");

  static final CallOptions OPTIONS = CallOptions.DEFAULT.withExecutor(CALLBACKS);

  private Calls() {}

  static <Q extends Message, R extends Message> MethodDescriptor<Q, R> unary(
      String service, String method, Q request, R response) {
    return descriptor(MethodDescriptor.MethodType.UNARY, service, method, request, response);
  }

  static <Q extends Message, R extends Message> MethodDescriptor<Q, R> serverStreaming(
      String service, String method, Q request, R response) {
    return descriptor(
        MethodDescriptor.MethodType.SERVER_STREAMING, service, method, request, response);
  }

  static <Q extends Message, R extends Message> MethodDescriptor<Q, R> bidirectional(
      String service, String method, Q request, R response) {
    return descriptor(
        MethodDescriptor.MethodType.BIDI_STREAMING, service, method, request, response);
  }

  private static <Q extends Message, R extends Message> MethodDescriptor<Q, R> descriptor(
      MethodDescriptor.MethodType type, String service, String method, Q request, R response) {
    return MethodDescriptor.<Q, R>newBuilder()
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName(service, method))
        .setRequestMarshaller(ProtoUtils.marshaller(request))
        .setResponseMarshaller(ProtoUtils.marshaller(response))
        .build();
  }

  /** One request, one answer. */
  static <Q, R> R call(ClientSession session, MethodDescriptor<Q, R> method, Q request)
      throws InterruptedException {
    return call(session, method, request, Map.of());
  }

  /** As above, where others may wait for the answer; {@code DEADLINE} after the patience. */
  static <Q, R> R ask(ClientSession session, MethodDescriptor<Q, R> method, Q request)
      throws InterruptedException {
    return ask(session, method, request, Map.of());
  }

  /** As above with request metadata. */
  static <Q, R> R ask(
      ClientSession session,
      MethodDescriptor<Q, R> method,
      Q request,
      Map<String, List<String>> headers)
      throws InterruptedException {
    long patience = session.patience().toMillis();
    CallOptions options = OPTIONS.withDeadlineAfter(patience, TimeUnit.MILLISECONDS);
    try {
      return call(session, method, request, headers, options);
    } catch (BuildException e) {
      throw e.kind() == Kind.DEADLINE
          ? new BuildException(
              Kind.DEADLINE,
              "the client does not answer "
                  + method.getFullMethodName()
                  + " within "
                  + patience / 1000
                  + " seconds",
              e)
          : e;
    }
  }

  /** One request with metadata, one answer. */
  static <Q, R> R call(
      ClientSession session,
      MethodDescriptor<Q, R> method,
      Q request,
      Map<String, List<String>> headers)
      throws InterruptedException {
    return call(session, method, request, headers, OPTIONS);
  }

  private static <Q, R> R call(
      ClientSession session,
      MethodDescriptor<Q, R> method,
      Q request,
      Map<String, List<String>> headers,
      CallOptions options)
      throws InterruptedException {
    var channel =
        ClientInterceptors.intercept(
            session.channel(), MetadataUtils.newAttachHeadersInterceptor(metadata(headers)));
    try {
      return ClientCalls.blockingUnaryCall(channel, method, options, request);
    } catch (StatusRuntimeException e) {
      throw failure(e);
    }
  }

  /** A call with both directions open; the caller ends it. */
  static <Q, R> ClientDuplex<R, Q> open(
      ClientSession session, MethodDescriptor<Q, R> method, Map<String, List<String>> headers) {
    ClientCall<Q, R> call = session.channel().newCall(method, OPTIONS);
    return ClientDuplex.start(call, method.getType(), metadata(headers));
  }

  static Metadata metadata(Map<String, List<String>> headers) {
    var metadata = new Metadata();
    TraceHeaders.inject(metadata);
    headers.forEach((name, values) -> {
      var key = Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
      values.forEach(value -> metadata.put(key, printable(name, value)));
    });
    return metadata;
  }

  /** Others cannot be sent as they are, and would arrive as something else. */
  private static String printable(String name, String value) {
    if (!value.chars().allMatch(c -> c >= ' ' && c <= '~')) {
      throw new BuildException(
          Kind.INTERNAL,
          "header key \"" + name + "\" contains value with non-printable ASCII characters");
    }
    return value;
  }

  /**
   * What the peer answered, its details kept; an interrupt of the waiting thread comes out as one.
   */
  static BuildException failure(StatusRuntimeException e) throws InterruptedException {
    if (e.getCause() instanceof InterruptedException) {
      var interrupted = new InterruptedException("call interrupted");
      interrupted.initCause(e);
      throw interrupted;
    }
    return ofPeer(e);
  }

  /**
   * What the peer answered. One that cancels what it was asked for has failed: it must not look as
   * if the daemon had given the work up, which it would then do again for others.
   */
  static BuildException ofPeer(StatusRuntimeException e) {
    BuildException failure = GrpcErrors.toBuild(e);
    return failure.kind() == Kind.CANCELED
        ? new BuildException(Kind.UNKNOWN, failure.getMessage(), failure.details(), failure)
        : failure;
  }
}
