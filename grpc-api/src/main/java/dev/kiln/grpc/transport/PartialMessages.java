package dev.kiln.grpc.transport;

import io.grpc.Attributes;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.ServerTransportFilter;
import io.grpc.Status;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds what one connection may hold in messages of which only a part has come. HTTP/2's windows
 * do not: grpc-java gives a message's bytes back to its window while it waits for the rest, so that
 * a client could leave one message of nearly the largest size in each of its streams. The call that
 * goes over the bound is refused, {@code RESOURCE_EXHAUSTED}; its neighbours are not. Any thread.
 */
final class PartialMessages extends ServerStreamTracer.Factory {
  /** Eight of the largest messages at a time. */
  static final long MOST_BYTES = 8L * GrpcServer.MAX_MESSAGE_BYTES;

  /** What a piece costs beside its bytes: a message may come in pieces of one byte. */
  static final int PIECE_BYTES = 256;

  private static final Attributes.Key<AtomicLong> HELD =
      Attributes.Key.create("dev.kiln.partial-messages");

  /** Gives each connection its count. */
  ServerTransportFilter connections() {
    return new ServerTransportFilter() {
      @Override
      public Attributes transportReady(Attributes connection) {
        return connection.toBuilder().set(HELD, new AtomicLong()).build();
      }
    };
  }

  @Override
  public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
    return new Stream();
  }

  private static final class Stream extends ServerStreamTracer {
    private final AtomicLong here = new AtomicLong();
    private volatile AtomicLong all = new AtomicLong(); // the connection's once the call begins

    @Override
    public void serverCallStarted(ServerCallInfo<?, ?> call) {
      AtomicLong connection = call.getAttributes().get(HELD);
      if (connection != null) {
        all = connection;
      }
    }

    /** A part of a message; what is thrown ends the call, as a message too large does. */
    @Override
    public void inboundWireSize(long bytes) {
      long more = bytes + PIECE_BYTES;
      here.addAndGet(more);
      if (all.addAndGet(more) > MOST_BYTES) {
        letGo();
        throw Status.RESOURCE_EXHAUSTED
            .withDescription(
                "more than " + MOST_BYTES + " bytes of unfinished messages on one connection")
            .asRuntimeException();
      }
    }

    @Override
    public void inboundMessageRead(int number, long wireBytes, long bytes) {
      letGo();
    }

    @Override
    public void streamClosed(Status status) {
      letGo();
    }

    private void letGo() {
      all.addAndGet(-here.getAndSet(0));
    }
  }
}
