package dev.kiln.grpc.transport;

import com.google.protobuf.Message;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.model.BuildException;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One call on the wire: what its client sends goes to an {@link Inbound}, what the handler answers
 * goes out. Headers, messages and the end are sent by one thread at a time; any thread asks for
 * messages. The transport tells what happens on the connection's event loop.
 */
final class ServedCall<A extends Message, B> extends ServerCall.Listener<A> {
  private static final Logger LOG = LoggerFactory.getLogger(ServedCall.class);

  /** Takes the client's messages, in order, on the event loop; must not block. */
  interface Inbound<A> {
    void message(A message);

    /**
     * No more messages.
     *
     * @param whole whether the client said so, or has left
     */
    void end(boolean whole);
  }

  private final ServerCall<A, B> wire;
  private final Call call;
  private final CompletableFuture<Boolean> end = new CompletableFuture<>();
  private volatile @Nullable Inbound<A> inbound;
  private volatile Runnable room = () -> {};
  private boolean headersSent;
  private volatile boolean closed;

  ServedCall(ServerCall<A, B> wire, Metadata headers, ServerSpans spans) {
    this.wire = wire;
    this.call = new Call(headers, spans, wire.getMethodDescriptor().getFullMethodName());
  }

  /** What the handler sees. */
  Call call() {
    return call;
  }

  /**
   * From now on messages go to {@code receiver}, as many as are {@linkplain #request asked for}.
   */
  void receive(Inbound<A> receiver) {
    inbound = receiver;
    var _ = end.thenAccept(receiver::end);
  }

  /** Asks for so many more messages, once there is somebody to {@linkplain #receive} them. */
  void request(int messages) {
    wire.request(messages);
  }

  /** Runs {@code action} each time there is room again, on the event loop. */
  void onRoom(Runnable action) {
    room = action;
  }

  /** Whether an answer sent now would go out soon. */
  boolean hasRoom() {
    return wire.isReady();
  }

  /** Lets so many bytes wait for the network before there is no room. */
  void keepReady(int bytes) {
    wire.setOnReadyThreshold(bytes);
  }

  /** Sends the response's metadata, if that is not done. */
  void sendHeaders() {
    if (!headersSent) {
      headersSent = true;
      wire.sendHeaders(call.responseHeaders());
    }
  }

  /** Sends an answer; {@code false} where the call is over, with this answer or before it. */
  boolean send(B answer) {
    if (isOver()) {
      return false;
    }
    int size = sizeBytes(answer);
    if (size > GrpcServer.MAX_MESSAGE_BYTES) { // in grpc-go's words
      fail(
          GrpcErrors.of(
              Code.RESOURCE_EXHAUSTED,
              "grpc: trying to send message larger than max ("
                  + size
                  + " vs. "
                  + GrpcServer.MAX_MESSAGE_BYTES
                  + ")"));
      return false;
    }
    sendHeaders();
    wire.sendMessage(answer);
    return true;
  }

  /** Answers are messages, or encoded already. */
  private static int sizeBytes(Object answer) {
    return answer instanceof byte[] encoded
        ? encoded.length
        : ((Message) answer).getSerializedSize();
  }

  /** Whether nothing can be sent any more. */
  boolean isOver() {
    return closed || wire.isCancelled();
  }

  /** Ends the call with success; nothing where it is over. */
  void close() {
    close(Status.OK, new Metadata());
  }

  private void close(Status status, Metadata trailers) {
    if (!isOver()) {
      closed = true;
      wire.close(status, trailers);
    }
  }

  /** Ends the call with what {@code failure} is to a client; nothing where it is over. */
  void fail(Throwable failure) {
    LOG.debug("{} failed", wire.getMethodDescriptor().getFullMethodName(), failure);
    StatusRuntimeException told;
    try {
      told = GrpcErrors.toGrpc(failure);
    } catch (RuntimeException e) {
      LOG.error("a failure cannot be told", e);
      told = GrpcErrors.of(Code.INTERNAL, String.valueOf(failure.getMessage()));
    }
    call.failed(told);
    var trailers = new Metadata(); // a copy: one failure may end several calls
    if (told.getTrailers() != null) {
      trailers.merge(told.getTrailers());
    }
    close(told.getStatus(), trailers);
  }

  /** Ends the call of a handler that threw, which must not leave its client waiting. */
  void threw(Throwable failure) {
    if (!(failure instanceof BuildException || failure instanceof StatusRuntimeException)) {
      LOG.error("{}: the handler threw", wire.getMethodDescriptor().getFullMethodName(), failure);
    }
    fail(failure);
  }

  @Override
  public void onMessage(A message) {
    Objects.requireNonNull(inbound, "nobody asked for messages").message(message);
  }

  @Override
  public void onHalfClose() {
    end.complete(true);
  }

  @Override
  public void onCancel() {
    end.complete(false);
    call.end(true);
  }

  @Override
  public void onComplete() {
    end.complete(false); // for a reader that has not come to the end: there is nobody any more
    call.end(false);
  }

  @Override
  public void onReady() {
    room.run();
  }
}
