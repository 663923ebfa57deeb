package dev.kiln.gateway;

import dev.kiln.exec.ProcessIo;
import dev.kiln.grpc.tunnel.BytePipe;
import dev.kiln.grpc.tunnel.TunnelChannel;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The standard streams of a process as a connection. Both directions have backpressure: what is not
 * taken makes the other side wait. Made for one process; its input ends with the channel, and the
 * channel with its output.
 */
final class FrontendPipe implements BytePipe {
  private static final int TO_PROCESS_BYTES = 1 << 20;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<byte[]> toProcess = new ArrayDeque<>();
  private int toProcessBytes;
  private boolean channelWaits;
  private int unconsumed; // of the process's output
  private boolean closed;
  private @Nullable TunnelChannel channel;

  /** The process's streams; {@code stderr} goes elsewhere. */
  ProcessIo io(ProcessIo.Sink stderr) {
    return new ProcessIo(Optional.of(new Input()), new Output(), stderr);
  }

  @Override
  public void start(TunnelChannel started) {
    changing(() -> channel = started);
  }

  @Override
  public void consumed(int bytes) {
    changing(() -> unconsumed -= bytes);
  }

  @Override
  public void closed() {
    changing(() -> closed = true);
  }

  @Override
  public void send(byte[] bytes) {
    changing(() -> {
      toProcess.add(bytes);
      toProcessBytes += bytes.length;
    });
  }

  private void changing(Runnable change) {
    lock.lock();
    try {
      change.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isWritable() {
    lock.lock();
    try {
      channelWaits = toProcessBytes >= TO_PROCESS_BYTES;
      return !channelWaits;
    } finally {
      lock.unlock();
    }
  }

  private final class Output implements ProcessIo.Sink {
    @Override
    public void write(byte[] bytes) {
      TunnelChannel to = awaitRoom(bytes.length);
      if (to != null) {
        to.received(bytes);
      }
    }

    /** Nothing where nobody reads any more, or the process is ended. */
    private @Nullable TunnelChannel awaitRoom(int bytes) {
      lock.lock();
      try {
        while (!closed && (channel == null || unconsumed >= TunnelChannel.WINDOW_BYTES)) {
          changed.await();
        }
        unconsumed += bytes;
        return closed ? null : channel;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return null;
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void end() {
      TunnelChannel to = awaitRoom(0);
      if (to != null) {
        to.ended();
      }
    }
  }

  private final class Input extends InputStream {
    private byte[] current = new byte[0];
    private int at;

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] to, int offset, int length) {
      if (at == current.length && !next()) {
        return -1;
      }
      int n = Math.min(length, current.length - at);
      System.arraycopy(current, at, to, offset, n);
      at += n;
      return n;
    }

    /** Waits for more; {@code false} at the end, or when the process is ended. */
    private boolean next() {
      TunnelChannel waiting;
      lock.lock();
      try {
        while (toProcess.isEmpty() && !closed) {
          changed.await();
        }
        byte[] first = toProcess.poll();
        if (first == null) {
          return false;
        }
        current = first;
        at = 0;
        toProcessBytes -= first.length;
        waiting = channelWaits && toProcessBytes < TO_PROCESS_BYTES / 2 ? channel : null;
        channelWaits &= waiting == null;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      } finally {
        lock.unlock();
      }
      if (waiting != null) {
        waiting.writable();
      }
      return true;
    }
  }
}
