package dev.kiln.grpc.tunnel;

import com.google.protobuf.UnsafeByteOperations;
import dev.kiln.grpc.control.BytesMessage;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a tunnel as messages of a gRPC call, on either side of it. Any thread; whoever makes
 * the pipe tells it what the call does. Bound: {@link TunnelChannel#WINDOW_BYTES} and a few
 * messages in, what the call has room for out.
 */
public final class CallPipe implements BytePipe {
  /** Messages under way; what they hold comes on top of the channel's window. */
  private static final int AHEAD = 4;

  private final End call;
  private final AtomicInteger unconsumed = new AtomicInteger();
  private final AtomicInteger owed = new AtomicInteger(); // messages to ask for when there is room
  private volatile @Nullable TunnelChannel channel;
  private volatile boolean ended;

  /** One side's end of a call. */
  public interface End {
    /** Asks for so many more messages. */
    void request(int messages);

    /** Whether a message sent now would go out soon. */
    boolean isReady();

    void send(BytesMessage message);

    /** Nothing more is sent; does nothing where the call is over. */
    void close();
  }

  public CallPipe(End call) {
    this.call = call;
  }

  /** The call brought a message. */
  public void received(BytesMessage message) {
    TunnelChannel to = channel;
    int size = message.getData().size();
    if (to != null && size > 0) {
      unconsumed.addAndGet(size);
      to.received(message.getData().toByteArray());
    }
    owed.incrementAndGet();
    askIfRoom();
  }

  /** The call is ready for messages again. */
  public void writable() {
    TunnelChannel to = channel;
    if (to != null) {
      to.writable();
    }
  }

  /** The call brings nothing more. */
  public void ended() {
    ended = true;
    TunnelChannel to = channel;
    if (to != null) {
      to.ended();
    }
  }

  private void askIfRoom() {
    if (unconsumed.get() < TunnelChannel.WINDOW_BYTES) {
      int messages = owed.getAndSet(0);
      if (messages > 0) {
        call.request(messages);
      }
    }
  }

  @Override
  public void start(TunnelChannel started) {
    channel = started;
    if (ended) {
      started.ended();
    }
    owed.addAndGet(AHEAD);
    askIfRoom();
  }

  @Override
  public void consumed(int bytes) {
    unconsumed.addAndGet(-bytes);
    askIfRoom();
  }

  @Override
  public boolean isWritable() {
    return call.isReady();
  }

  @Override
  public void send(byte[] bytes) {
    call.send(BytesMessage.newBuilder().setData(UnsafeByteOperations.unsafeWrap(bytes)).build());
  }

  @Override
  public void closed() {
    call.close();
  }
}
