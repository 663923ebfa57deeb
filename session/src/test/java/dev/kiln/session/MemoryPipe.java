package dev.kiln.session;

import dev.kiln.grpc.tunnel.BytePipe;
import dev.kiln.grpc.tunnel.TunnelChannel;
import java.util.ArrayDeque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One of two ends of a connection within this JVM. Any thread; one lock for both ends. */
final class MemoryPipe implements BytePipe {
  private final Object lock;
  private final ArrayDeque<byte[]> early = new ArrayDeque<>(); // sent before the peer was there
  private @Nullable MemoryPipe peer;
  private @Nullable TunnelChannel channel;
  private int unconsumedByPeer;
  private boolean closed;

  private MemoryPipe(Object lock) {
    this.lock = lock;
  }

  /** Two ends, of which either may start first. */
  static MemoryPipe[] pair() {
    var lock = new Object();
    var one = new MemoryPipe(lock);
    var other = new MemoryPipe(lock);
    one.peer = other;
    other.peer = one;
    return new MemoryPipe[] {one, other};
  }

  private MemoryPipe peer() {
    return Objects.requireNonNull(peer);
  }

  @Override
  public void start(TunnelChannel started) {
    synchronized (lock) {
      channel = started;
      peer().early.forEach(started::received);
      peer().early.clear();
      if (peer().closed) {
        started.ended();
      }
    }
  }

  @Override
  public void consumed(int bytes) {
    synchronized (lock) {
      peer().unconsumedByPeer -= bytes;
      if (peer().channel != null) {
        peer().channel.writable();
      }
    }
  }

  @Override
  public boolean isWritable() {
    synchronized (lock) {
      return unconsumedByPeer < TunnelChannel.WINDOW_BYTES;
    }
  }

  @Override
  public void send(byte[] bytes) {
    synchronized (lock) {
      unconsumedByPeer += bytes.length;
      if (peer().channel == null) {
        early.add(bytes);
      } else {
        peer().channel.received(bytes);
      }
    }
  }

  @Override
  public void closed() {
    synchronized (lock) {
      closed = true;
      if (peer().channel != null) {
        peer().channel.ended();
      }
    }
  }
}
