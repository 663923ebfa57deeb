package dev.kiln.grpc.tunnel;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.AbstractChannel;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A netty channel whose bytes go through a {@link BytePipe} instead of a socket, with backpressure
 * both ways: what the pipe has no room for stays in netty's outbound buffer, where HTTP/2 flow
 * control sees it, and what HTTP/2 does not want yet is not acknowledged to the pipe. State is the
 * event loop's; {@link #received}, {@link #ended} and {@link #writable} may be called by any
 * thread.
 */
public final class TunnelChannel extends AbstractChannel {
  /** How many bytes may be on their way in, unconsumed. */
  public static final int WINDOW_BYTES = 1 << 20;

  private static final int ACKNOWLEDGE_BYTES = WINDOW_BYTES / 4;
  private static final int BATCH_BYTES = 1 << 16;
  private static final ChannelMetadata METADATA = new ChannelMetadata(false);

  private final ChannelConfig config = new TunnelConfig(this);
  private final BytePipe pipe;
  private final TunnelAddress address;
  private final Queue<byte[]> inbound = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean delivery = new AtomicBoolean(); // is under way
  private boolean readPending;
  private volatile boolean inboundEnded;
  private int consumed;
  private volatile State state = State.NEW;

  private enum State {
    NEW,
    ACTIVE,
    CLOSED
  }

  /** The end that dials. */
  public TunnelChannel(BytePipe pipe, TunnelAddress address) {
    this(null, pipe, address);
  }

  /** An end that was accepted by {@code parent}. */
  TunnelChannel(@Nullable Channel parent, BytePipe pipe, TunnelAddress address) {
    super(parent);
    this.pipe = pipe;
    this.address = address;
    if (parent != null) {
      state = State.ACTIVE;
    }
  }

  /** Bytes from the peer, which nobody writes to afterwards. */
  public void received(byte[] bytes) {
    if (state != State.CLOSED) {
      inbound.add(bytes);
      deliverSoon();
    }
  }

  /** The peer will send no more: the channel delivers what there is and closes. */
  public void ended() {
    inboundEnded = true;
    deliverSoon();
  }

  /** What comes in one go is delivered in one go, and so answered in one. */
  private void deliverSoon() {
    if (delivery.compareAndSet(false, true)) {
      onLoop(() -> {
        delivery.set(false);
        deliver();
      });
    }
  }

  /** The pipe has room again. */
  public void writable() {
    onLoop(() -> ((TunnelUnsafe) unsafe()).resumeFlush());
  }

  // The pipe may speak after the loop has ended, and the channel with it.
  private void onLoop(Runnable task) {
    try {
      eventLoop().execute(task);
    } catch (RejectedExecutionException e) {
      // nobody is left to tell
    }
  }

  private void deliver() {
    boolean any = false;
    while (readPending && state == State.ACTIVE) {
      byte[] next = inbound.poll();
      if (next == null) {
        break;
      }
      any = true;
      consumed += next.length;
      pipeline().fireChannelRead(Unpooled.wrappedBuffer(next));
    }
    if (any) {
      readPending = false;
      pipeline().fireChannelReadComplete(); // with auto-read this asks for more
      if (consumed >= ACKNOWLEDGE_BYTES || inbound.isEmpty()) {
        int bytes = consumed;
        consumed = 0;
        pipe.consumed(bytes);
      }
    }
    if (inboundEnded && inbound.isEmpty() && state == State.ACTIVE) {
      unsafe().close(voidPromise());
    }
  }

  @Override
  protected void doBeginRead() {
    if (readPending) {
      return;
    }
    readPending = true;
    if (!inbound.isEmpty() || inboundEnded) {
      deliverSoon(); // not from here: a reader may ask while it is reading
    }
  }

  @Override
  protected void doWrite(ChannelOutboundBuffer out) throws Exception {
    while (pipe.isWritable()) {
      int size = 0;
      int messages = 0;
      // ChannelOutboundBuffer gives only its head: what is taken is removed after it was copied.
      byte[] batch = new byte[(int) Math.min(out.totalPendingWriteBytes(), BATCH_BYTES)];
      while (size < batch.length && out.current() instanceof ByteBuf part) {
        int take = Math.min(part.readableBytes(), batch.length - size);
        part.getBytes(part.readerIndex(), batch, size, take);
        size += take;
        out.removeBytes(take);
        messages++;
      }
      if (size == 0 && messages == 0) {
        return;
      }
      if (size > 0) {
        pipe.send(size == batch.length ? batch : java.util.Arrays.copyOf(batch, size));
      }
    }
  }

  @Override
  protected void doRegister() {
    if (state == State.ACTIVE) {
      pipe.start(this); // an accepted end; a dialing one starts when it connects
    }
  }

  @Override
  protected void doClose() {
    if (state != State.CLOSED) {
      state = State.CLOSED;
      inbound.clear();
      pipe.closed();
    }
  }

  @Override
  protected void doDisconnect() {
    doClose();
  }

  @Override
  protected void doBind(SocketAddress local) {
    throw new UnsupportedOperationException("a tunnel's end has no address to bind");
  }

  @Override
  protected AbstractUnsafe newUnsafe() {
    return new TunnelUnsafe();
  }

  @Override
  protected boolean isCompatible(EventLoop loop) {
    return true;
  }

  @Override
  protected SocketAddress localAddress0() {
    return address;
  }

  @Override
  protected SocketAddress remoteAddress0() {
    return address;
  }

  @Override
  public ChannelConfig config() {
    return config;
  }

  @Override
  public boolean isOpen() {
    return state != State.CLOSED;
  }

  @Override
  public boolean isActive() {
    return state == State.ACTIVE;
  }

  @Override
  public ChannelMetadata metadata() {
    return METADATA;
  }

  private final class TunnelUnsafe extends AbstractUnsafe {
    @Override
    public void connect(SocketAddress remote, SocketAddress local, ChannelPromise promise) {
      if (!promise.setUncancellable()) {
        return;
      }
      if (state != State.NEW) {
        promise.tryFailure(
            state == State.CLOSED
                ? new ClosedChannelException()
                : new IOException("the tunnel is connected"));
        return;
      }
      state = State.ACTIVE;
      pipe.start(TunnelChannel.this);
      promise.trySuccess();
      pipeline().fireChannelActive();
    }

    void resumeFlush() {
      flush0();
    }
  }
}
