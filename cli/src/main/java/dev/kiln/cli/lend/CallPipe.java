package dev.kiln.cli.lend;

import com.google.protobuf.UnsafeByteOperations;
import dev.kiln.grpc.control.BytesMessage;
import dev.kiln.session.tunnel.BytePipe;
import dev.kiln.session.tunnel.TunnelChannel;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a tunnel as messages of a call to the daemon. Any thread. Bound: {@link
 * TunnelChannel#WINDOW_BYTES} towards us; towards the daemon what the call has room for.
 */
final class CallPipe implements BytePipe {
  private final ClientCall<BytesMessage, BytesMessage> call;
  private final AtomicInteger unconsumed = new AtomicInteger();
  private final AtomicInteger owed = new AtomicInteger(); // messages to ask for when there is room
  private final CompletableFuture<Status> done = new CompletableFuture<>();
  private volatile @Nullable TunnelChannel channel;

  private CallPipe(ClientCall<BytesMessage, BytesMessage> call) {
    this.call = call;
  }

  static CallPipe open(
      Channel daemon, MethodDescriptor<BytesMessage, BytesMessage> method, Metadata headers) {
    // Callbacks only pass bytes on: they need no thread of their own.
    var pipe =
        new CallPipe(daemon.newCall(method, CallOptions.DEFAULT.withExecutor(Runnable::run)));
    pipe.call.start(pipe.new Listener(), headers);
    return pipe;
  }

  /** Completes with the call's end. */
  CompletionStage<Status> done() {
    return done;
  }

  void cancel() {
    call.cancel("the build is over", null);
  }

  private final class Listener extends ClientCall.Listener<BytesMessage> {
    @Override
    public void onMessage(BytesMessage message) {
      TunnelChannel to = channel;
      int size = message.getData().size();
      if (to != null && size > 0) {
        unconsumed.addAndGet(size);
        to.received(message.getData().toByteArray());
      }
      owed.incrementAndGet();
      askIfRoom();
    }

    @Override
    public void onReady() {
      TunnelChannel to = channel;
      if (to != null) {
        to.writable();
      }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      TunnelChannel to = channel;
      if (to != null) {
        to.ended();
      }
      done.complete(status);
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
    owed.addAndGet(8);
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
    call.sendMessage(
        BytesMessage.newBuilder().setData(UnsafeByteOperations.unsafeWrap(bytes)).build());
  }

  @Override
  public void closed() {
    call.halfClose();
  }
}
