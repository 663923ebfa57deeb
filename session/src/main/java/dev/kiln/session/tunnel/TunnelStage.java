package dev.kiln.session.tunnel;

import akka.stream.Attributes;
import akka.stream.FlowShape;
import akka.stream.Inlet;
import akka.stream.Outlet;
import akka.stream.stage.AbstractInHandler;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.AsyncCallback;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import akka.util.ByteString;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A {@link BytePipe} whose other side is an akka stream: elements in are the peer's bytes, elements
 * out are ours. Byte stream, nothing dropped. Bounds: in, {@link TunnelChannel#WINDOW_BYTES}
 * unconsumed, then upstream waits; out, {@value #OUT_BYTES} waiting for demand, then the channel
 * waits. Ends when either side of the stream or the channel does.
 */
public final class TunnelStage extends GraphStage<FlowShape<ByteString, ByteString>> {
  static final int OUT_BYTES = 1 << 20;
  private static final int ELEMENT_BYTES = 1 << 17;

  private final Inlet<ByteString> in = Inlet.create("tunnel.in");
  private final Outlet<ByteString> out = Outlet.create("tunnel.out");
  private final FlowShape<ByteString, ByteString> shape = FlowShape.of(in, out);
  private final Consumer<BytePipe> opened;
  private final Runnable stopped;

  /**
   * @param opened told of the pipe each time the stream is run; from then on a channel may start it
   * @param stopped told when that stream has stopped, for whatever reason
   */
  public TunnelStage(Consumer<BytePipe> opened, Runnable stopped) {
    this.opened = opened;
    this.stopped = stopped;
  }

  @Override
  public FlowShape<ByteString, ByteString> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic implements BytePipe {
    // The stage's own:
    private @Nullable TunnelChannel channel;
    private int unconsumed;
    private boolean closing;
    private final ArrayDeque<byte[]> waiting = new ArrayDeque<>();
    // Shared with the channel's event loop:
    private final AtomicInteger outBytes = new AtomicInteger();
    private volatile boolean channelWaits;

    private final AsyncCallback<TunnelChannel> onStart = createAsyncCallback(this::started);
    private final AsyncCallback<Integer> onConsumed = createAsyncCallback(this::ateSome);
    private final AsyncCallback<byte[]> onSend = createAsyncCallback(this::sendSome);
    private final AsyncCallback<BytePipe> onClosed = createAsyncCallback(p -> closeWhenSent());

    Logic() {
      super(shape);
      setHandler(
          in,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              byte[] bytes = grab(in).toArrayUnsafe();
              unconsumed += bytes.length;
              if (channel != null) {
                channel.received(bytes);
              }
              pullIfRoom();
            }

            @Override
            public void onUpstreamFinish() {
              endChannel();
            }

            @Override
            public void onUpstreamFailure(Throwable failure) {
              endChannel();
            }
          });
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              pushSome();
            }

            @Override
            public void onDownstreamFinish(Throwable cause) {
              endChannel();
              completeStage();
            }
          });
    }

    @Override
    public void preStart() {
      opened.accept(this);
    }

    @Override
    public void postStop() {
      endChannel();
      stopped.run();
    }

    private void started(TunnelChannel started) {
      channel = started;
      if (isClosed(in)) {
        started.ended();
      } else {
        pullIfRoom();
      }
    }

    private void ateSome(int bytes) {
      unconsumed -= bytes;
      pullIfRoom();
    }

    private void pullIfRoom() {
      if (channel != null
          && unconsumed < TunnelChannel.WINDOW_BYTES
          && !isClosed(in)
          && !hasBeenPulled(in)) {
        pull(in);
      }
    }

    private void sendSome(byte[] bytes) {
      waiting.add(bytes);
      if (isAvailable(out)) {
        pushSome();
      }
    }

    private void pushSome() {
      byte[] first = waiting.poll();
      if (first == null) {
        if (closing) {
          completeStage();
        }
        return;
      }
      ByteString element = ByteString.fromArrayUnsafe(first);
      byte[] next = waiting.peek();
      while (next != null && element.size() + next.length <= ELEMENT_BYTES) {
        element = element.concat(ByteString.fromArrayUnsafe(next));
        waiting.poll();
        next = waiting.peek();
      }
      push(out, element);
      int left = outBytes.addAndGet(-element.size());
      if (channelWaits && left < OUT_BYTES / 2 && channel != null) {
        channelWaits = false;
        channel.writable();
      }
      if (closing && waiting.isEmpty()) {
        completeStage();
      }
    }

    private void closeWhenSent() {
      closing = true;
      if (waiting.isEmpty()) {
        completeStage();
      }
    }

    private void endChannel() {
      if (channel != null) {
        channel.ended();
      }
    }

    // The channel's side.

    @Override
    public void start(TunnelChannel started) {
      onStart.invoke(started);
    }

    @Override
    public void consumed(int bytes) {
      onConsumed.invoke(bytes);
    }

    @Override
    public boolean isWritable() {
      if (outBytes.get() < OUT_BYTES) {
        return true;
      }
      channelWaits = true;
      return outBytes.get() < OUT_BYTES / 2; // it may have drained before the flag was seen
    }

    @Override
    public void send(byte[] bytes) {
      outBytes.addAndGet(bytes.length);
      onSend.invoke(bytes);
    }

    @Override
    public void closed() {
      onClosed.invoke(this);
    }
  }
}
