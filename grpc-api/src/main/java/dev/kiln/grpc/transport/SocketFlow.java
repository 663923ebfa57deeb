package dev.kiln.grpc.transport;

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
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connected socket, unix or TCP, as a flow: bytes in are written, bytes out were read. One
 * virtual thread reads, one writes. Bounds: {@value #READ_AHEAD} chunks read ahead, {@value
 * #WRITE_BEHIND} chunks waiting to be written; at the bound the reader, and the flow's upstream,
 * wait. The end of input is sent to the peer as a shutdown of output; when both directions have
 * ended this closes the channel. Materialize once.
 */
final class SocketFlow extends GraphStage<FlowShape<ByteString, ByteString>> {
  private static final Logger LOG = LoggerFactory.getLogger(SocketFlow.class);
  private static final int CHUNK_BYTES = 64 * 1024;
  private static final int READ_AHEAD = 4;
  private static final int WRITE_BEHIND = 16;
  private static final int GATHER = 64;

  private final SocketChannel channel;
  private final String name;
  private final Inlet<ByteString> in = Inlet.create("SocketFlow.in");
  private final Outlet<ByteString> out = Outlet.create("SocketFlow.out");

  SocketFlow(SocketChannel channel, String name) {
    this.channel = channel;
    this.name = name;
  }

  @Override
  public FlowShape<ByteString, ByteString> shape() {
    return FlowShape.of(in, out);
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic {
    private final Deque<ByteString> readAhead = new ArrayDeque<>();
    private final Semaphore mayRead = new Semaphore(READ_AHEAD);
    private final LinkedBlockingQueue<Optional<ByteString>> toWrite = new LinkedBlockingQueue<>();
    private int writing;
    private boolean inputEnded;
    private boolean readEnded;

    private final AsyncCallback<ByteString> onRead =
        createAsyncCallback(bytes -> {
          readAhead.add(bytes);
          deliver();
        });
    private final AsyncCallback<Optional<Throwable>> onReadEnd =
        createAsyncCallback(_ -> { // a reset is an end: what it cut off is found by the layers
          // above
          readEnded = true;
          deliver();
        });
    private final AsyncCallback<Integer> onWritten =
        createAsyncCallback(count -> {
          writing -= count;
          if (!inputEnded && !hasBeenPulled(in) && writing < WRITE_BEHIND) {
            tryPull(in);
          }
        });
    private final AsyncCallback<Optional<Throwable>> onWriteEnd =
        createAsyncCallback(failure -> {
          if (failure.isPresent() || readEnded || isClosed(out)) {
            completeStage();
          }
        });

    Logic() {
      super(SocketFlow.this.shape());
      setHandler(
          in,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              ByteString bytes = grab(in);
              writing++;
              toWrite.add(Optional.of(bytes));
              if (writing < WRITE_BEHIND) {
                pull(in);
              }
            }

            @Override
            public void onUpstreamFinish() {
              inputEnded = true;
              toWrite.add(Optional.empty());
            }

            @Override
            public void onUpstreamFailure(Throwable failure) {
              LOG.debug("connection {} failed", name, failure);
              failStage(failure);
            }
          });
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              deliver();
            }

            @Override
            public void onDownstreamFinish(Throwable cause) {
              if (inputEnded) {
                return; // the writer's end completes the stage
              }
              setKeepGoing(true);
              inputEnded = true;
              cancel(in, cause);
              toWrite.add(Optional.empty());
            }
          });
    }

    private void deliver() {
      if (isClosed(out)) {
        return;
      }
      if (isAvailable(out) && !readAhead.isEmpty()) {
        push(out, readAhead.poll());
        mayRead.release();
      }
      if (readEnded && readAhead.isEmpty()) {
        setKeepGoing(true); // our half may still have bytes to write
        complete(out);
      }
    }

    @Override
    public void preStart() {
      setKeepGoing(true);
      Blocking.start(name + "-read", this::read);
      Blocking.start(name + "-write", this::write);
      pull(in);
    }

    private Optional<Void> read() {
      Optional<Throwable> failure = Optional.empty();
      try {
        var buffer = ByteBuffer.allocate(CHUNK_BYTES);
        while (true) {
          mayRead.acquire();
          buffer.clear();
          if (channel.read(buffer) < 0) {
            break;
          }
          buffer.flip();
          onRead.invoke(ByteString.fromByteBuffer(buffer)); // copies
        }
      } catch (IOException | InterruptedException e) {
        failure = Optional.of(e);
      }
      onReadEnd.invoke(failure);
      return Optional.empty();
    }

    private Optional<Void> write() {
      Optional<Throwable> failure = Optional.empty();
      try {
        boolean last = false;
        List<Optional<ByteString>> batch = new ArrayList<>();
        while (!last) {
          batch.clear();
          batch.add(toWrite.take());
          toWrite.drainTo(batch, GATHER);
          var buffers = new ArrayList<ByteBuffer>();
          int count = 0;
          for (Optional<ByteString> next : batch) {
            if (next.isEmpty()) {
              last = true;
              break;
            }
            count++;
            next.get().getByteBuffers().forEach(buffers::add);
          }
          ByteBuffer[] all = buffers.toArray(ByteBuffer[]::new);
          int first = 0;
          while (first < all.length) {
            if (all[first].hasRemaining()) {
              channel.write(all, first, all.length - first);
            } else {
              first++;
            }
          }
          if (count > 0) {
            onWritten.invoke(count);
          }
        }
        channel.shutdownOutput();
      } catch (IOException | InterruptedException e) {
        failure = Optional.of(e);
      }
      onWriteEnd.invoke(failure);
      return Optional.empty();
    }

    @Override
    public void postStop() {
      toWrite.add(Optional.empty());
      mayRead.release(); // the closed channel ends the reader
      try {
        channel.close();
      } catch (IOException e) {
        LOG.debug("closing connection {}", name, e);
      }
    }
  }
}
