package dev.kiln.session;

import dev.kiln.grpc.GrpcErrors;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The calling side of a {@link Duplex}. Keeps at most {@value #AHEAD} unread messages. */
final class ClientDuplex<I, O> extends ClientCall.Listener<I> implements Duplex<I, O> {
  private static final int AHEAD = 256;

  private final ClientCall<O, I> call;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<I> unread = new ArrayDeque<>();

  /** Such calls are never told that they are ready; their one message goes at once. */
  private final boolean sendsOneMessage;

  private int taken; // read but not yet asked for again
  private boolean halfClosed;
  private boolean canceled; // by us
  private boolean ended;
  private @Nullable BuildException failure; // set with ended, unless it ended well

  private ClientDuplex(ClientCall<O, I> call, boolean sendsOneMessage) {
    this.call = call;
    this.sendsOneMessage = sendsOneMessage;
  }

  static <I, O> ClientDuplex<I, O> start(
      ClientCall<O, I> call, MethodDescriptor.MethodType type, Metadata headers) {
    var duplex = new ClientDuplex<I, O>(call, type.clientSendsOneMessage());
    call.start(duplex, headers);
    call.request(AHEAD);
    return duplex;
  }

  @Override
  public void send(O message) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!ended && !sendsOneMessage && !call.isReady()) {
        changed.await();
      }
      if (ended) {
        throw failure == null
            ? new BuildException(Kind.UNKNOWN, "the session's peer ended the call early")
            : failure;
      }
      call.sendMessage(message);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Optional<I> receive() throws InterruptedException {
    return receive(Long.MAX_VALUE);
  }

  /**
   * As above, but the peer has so much time.
   *
   * @throws BuildException {@code DEADLINE} when it is up; the call goes on
   */
  Optional<I> receive(long nanos) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = nanos;
      while (unread.isEmpty() && !ended) {
        if (left <= 0) {
          throw new BuildException(
              Kind.DEADLINE, "the client sends no more: context deadline exceeded");
        }
        left = changed.awaitNanos(left);
      }
      I next = unread.poll();
      if (next == null) {
        if (failure != null) {
          throw failure;
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
    lock.lock();
    try {
      if (!halfClosed && !ended) {
        halfClosed = true;
        call.halfClose();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void cancel(String reason) {
    lock.lock();
    try {
      canceled = true;
    } finally {
      lock.unlock();
    }
    call.cancel(reason, null);
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (ended) {
        return;
      }
    } finally {
      lock.unlock();
    }
    cancel("closed");
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
  public void onReady() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    lock.lock();
    try {
      ended = true;
      if (!status.isOk()) {
        var answer = new StatusRuntimeException(status, trailers);
        failure = canceled ? GrpcErrors.toBuild(answer) : Calls.ofPeer(answer);
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
