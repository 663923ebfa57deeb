package dev.kiln.session;

import dev.kiln.grpc.GrpcErrors;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The serving side of a {@link Duplex}: for clients that lend services, and for tests. Keeps at
 * most {@value #AHEAD} unread messages.
 */
public final class ServerDuplex<I, O> extends ServerCall.Listener<I> implements Duplex<I, O> {
  private static final int AHEAD = 64;

  private final ServerCall<I, O> call;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<I> unread = new ArrayDeque<>();
  private int taken;
  private boolean peerDone;
  private boolean canceled;
  private boolean closed;
  private Blocking.@Nullable Task<?> body;

  private ServerDuplex(ServerCall<I, O> call) {
    this.call = call;
  }

  /** What a service does with a call. Returning ends it well, a failure is its answer. */
  @FunctionalInterface
  public interface Body<I, O> {
    void serve(Metadata headers, Duplex<I, O> call) throws IOException, InterruptedException;
  }

  /** Serves each call on a virtual thread of its own, which is interrupted if the caller leaves. */
  public static <I, O> ServerCallHandler<I, O> handler(Body<I, O> body) {
    return (call, headers) -> {
      var duplex = new ServerDuplex<I, O>(call);
      call.sendHeaders(new Metadata());
      call.request(AHEAD);
      var task =
          Blocking.start(
              "serve " + call.getMethodDescriptor().getFullMethodName(),
              () -> {
                duplex.run(body, headers);
                return null;
              });
      duplex.started(task);
      return duplex;
    };
  }

  private void run(Body<I, O> body, Metadata headers) {
    try {
      body.serve(headers, this);
      end(Status.OK, new Metadata());
    } catch (Exception e) {
      StatusRuntimeException failure = GrpcErrors.toGrpc(e);
      Metadata trailers = failure.getTrailers();
      end(failure.getStatus(), trailers == null ? new Metadata() : trailers);
    }
  }

  private void started(Blocking.Task<?> task) {
    lock.lock();
    try {
      body = task;
      if (canceled) {
        task.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }

  private void end(Status status, Metadata trailers) {
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        call.close(status, trailers);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void send(O message) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!canceled && !closed && !call.isReady()) {
        changed.await();
      }
      failIfOver();
      call.sendMessage(message);
    } finally {
      lock.unlock();
    }
  }

  private void failIfOver() {
    if (canceled || closed) {
      throw new BuildException(Kind.CANCELED, "the caller has left");
    }
  }

  @Override
  public Optional<I> receive() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (unread.isEmpty() && !peerDone && !canceled && !closed) {
        changed.await();
      }
      I next = unread.poll();
      if (next == null) {
        if (!peerDone) {
          failIfOver();
        }
        return Optional.empty();
      }
      if (++taken == AHEAD / 2) {
        taken = 0;
        call.request(AHEAD / 2);
      }
      return Optional.of(next);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void halfClose() {
    end(Status.OK, new Metadata());
  }

  @Override
  public void cancel(String reason) {
    StatusRuntimeException failure = GrpcErrors.toGrpc(new BuildException(Kind.UNKNOWN, reason));
    Metadata trailers = failure.getTrailers();
    end(failure.getStatus(), trailers == null ? new Metadata() : trailers);
    wake();
  }

  @Override
  public void close() {
    cancel("closed");
  }

  private void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onMessage(I message) {
    lock.lock();
    try {
      unread.add(message);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onHalfClose() {
    lock.lock();
    try {
      peerDone = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onCancel() {
    lock.lock();
    try {
      canceled = true;
      changed.signalAll();
      if (body != null) {
        body.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onReady() {
    wake();
  }
}
