package dev.kiln.grpc.transport;

import akka.NotUsed;
import akka.grpc.javadsl.Metadata;
import akka.stream.Materializer;
import akka.stream.javadsl.Source;
import com.google.protobuf.Message;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.PlainBytes;
import dev.kiln.grpc.control.BytesMessage;
import dev.kiln.grpc.tunnel.CallPipe;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status.Code;
import io.grpc.protobuf.ProtoUtils;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.EventExecutor;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The methods of one service on the wire, each with the method of a generated {@code …PowerApi}
 * that answers it. Handlers are called on an event loop and must not block. Confined to one thread.
 */
public final class Handlers {
  private static final int TUNNEL_AHEAD_BYTES = 1 << 20;

  private final ServerServiceDefinition.Builder service;
  private final String name;
  private final ServerSpans spans;
  private final Materializer materializer;
  private final EventLoopGroup loops;

  Handlers(String name, ServerSpans spans, Materializer materializer, EventLoopGroup loops) {
    this.service = ServerServiceDefinition.builder(name);
    this.name = name;
    this.spans = spans;
    this.materializer = materializer;
    this.loops = loops;
  }

  ServerServiceDefinition build() {
    return service.build();
  }

  /**
   * One request, one answer.
   *
   * @param method its name on the wire
   * @param request any message of the request's type, as {@code answer} is of the answer's
   */
  public <A extends Message, B extends Message> Handlers unary(
      String method, A request, B answer, BiFunction<A, Metadata, CompletionStage<B>> handler) {
    return oneRequest(
        method,
        MethodType.UNARY,
        request,
        ProtoUtils.marshaller(answer),
        (call, in) -> {
          var _ = handler.apply(in, call.call()).whenComplete((out, e) -> answer(call, out, e));
        });
  }

  private static <B extends Message> void answer(
      ServedCall<?, B> call, @Nullable B out, @Nullable Throwable failure) {
    try {
      if (failure != null) {
        call.fail(failure);
      } else if (call.send(Objects.requireNonNull(out, "a handler must answer"))) {
        call.close();
      }
    } catch (Throwable e) { // nobody else would see it, and the client would wait
      call.threw(e);
    }
  }

  /** One request, a stream of answers. */
  public <A extends Message, B extends Message> Handlers answers(
      String method, A request, B answer, BiFunction<A, Metadata, Source<B, NotUsed>> handler) {
    return oneRequest(
        method,
        MethodType.SERVER_STREAMING,
        request,
        ProtoUtils.marshaller(answer),
        (call, in) -> run(call, handler.apply(in, call.call())));
  }

  /** One request, a stream of answers that are encoded already, each in an array of its own. */
  public <A extends Message> Handlers encodedAnswers(
      String method, A request, BiFunction<A, Metadata, Source<byte[], NotUsed>> handler) {
    return oneRequest(
        method,
        MethodType.SERVER_STREAMING,
        request,
        PlainBytes.MARSHALLER,
        (call, in) -> run(call, handler.apply(in, call.call())));
  }

  /** A stream of requests, a stream of answers. */
  public <A extends Message, B extends Message> Handlers duplex(
      String method,
      A request,
      B answer,
      BiFunction<Source<A, NotUsed>, Metadata, Source<B, NotUsed>> handler) {
    return add(
        method,
        MethodType.BIDI_STREAMING,
        request,
        ProtoUtils.marshaller(answer),
        call -> run(call, handler.apply(Source.fromGraph(new Requests<>(call)), call.call())));
  }

  /** Bytes both ways. */
  public Handlers tunnel(String method, Tunnels tunnels) {
    BytesMessage bytes = BytesMessage.getDefaultInstance();
    return add(
        method,
        MethodType.BIDI_STREAMING,
        bytes,
        ProtoUtils.marshaller(bytes),
        call -> {
          call.keepReady(TUNNEL_AHEAD_BYTES);
          var end = new TunnelEnd(call);
          call.receive(end);
          call.onRoom(end.pipe::writable);
          call.sendHeaders();
          tunnels.open(call.call(), end.pipe, loop());
        });
  }

  private EventLoop loop() {
    for (EventExecutor each : loops) {
      if (each.inEventLoop() && each instanceof EventLoop loop) {
        return loop;
      }
    }
    throw new IllegalStateException("calls begin on an event loop");
  }

  private <B> void run(ServedCall<?, B> call, Source<B, NotUsed> answers) {
    call.sendHeaders();
    answers.runWith(new Answers<>(call), materializer);
  }

  private <A extends Message, B> Handlers oneRequest(
      String method,
      MethodType type,
      A request,
      MethodDescriptor.Marshaller<B> answer,
      BiConsumer<ServedCall<A, B>, A> handler) {
    return add(
        method,
        type,
        request,
        answer,
        call -> {
          call.receive(new OneRequest<>(call, handler));
          call.request(2); // the second tells of a client that sends more than one
        });
  }

  private <A extends Message, B> Handlers add(
      String method,
      MethodType type,
      A request,
      MethodDescriptor.Marshaller<B> answer,
      Consumer<ServedCall<A, B>> opened) {
    service.addMethod(
        MethodDescriptor.<A, B>newBuilder()
            .setType(type)
            .setFullMethodName(MethodDescriptor.generateFullMethodName(name, method))
            .setRequestMarshaller(ProtoUtils.marshaller(request))
            .setResponseMarshaller(answer)
            .build(),
        (wire, headers) -> {
          var call = new ServedCall<>(wire, headers, spans);
          try {
            opened.accept(call);
          } catch (Throwable e) {
            call.threw(e);
          }
          return call;
        });
    return this;
  }

  /** Has a request answered when it is whole; grpc-java refuses a second one. */
  private static final class OneRequest<A extends Message, B> implements ServedCall.Inbound<A> {
    private final ServedCall<A, B> call;
    private final BiConsumer<ServedCall<A, B>, A> handler;
    private @Nullable A request;

    OneRequest(ServedCall<A, B> call, BiConsumer<ServedCall<A, B>, A> handler) {
      this.call = call;
      this.handler = handler;
    }

    @Override
    public void message(A message) {
      request = message;
    }

    @Override
    public void end(boolean whole) {
      if (!whole) {
        return;
      }
      try {
        if (request == null) {
          throw GrpcErrors.of(Code.INTERNAL, "the method takes one request, not none");
        }
        handler.accept(call, request);
      } catch (Throwable e) { // nobody else would see it, and the client would wait
        call.threw(e);
      }
    }
  }

  /** The server's end of a tunnel. */
  private static final class TunnelEnd implements CallPipe.End, ServedCall.Inbound<BytesMessage> {
    private final ServedCall<BytesMessage, BytesMessage> call;
    private final CallPipe pipe = new CallPipe(this);

    TunnelEnd(ServedCall<BytesMessage, BytesMessage> call) {
      this.call = call;
    }

    @Override
    public void message(BytesMessage message) {
      pipe.received(message);
    }

    @Override
    public void end(boolean whole) {
      pipe.ended();
    }

    @Override
    public void request(int messages) {
      call.request(messages);
    }

    @Override
    public boolean isReady() {
      return call.hasRoom();
    }

    @Override
    public void send(BytesMessage message) {
      call.send(message);
    }

    @Override
    public void close() {
      call.close();
    }
  }
}
