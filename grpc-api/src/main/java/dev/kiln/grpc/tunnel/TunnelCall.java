package dev.kiln.grpc.tunnel;

import dev.kiln.grpc.control.BytesMessage;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A tunnel's call at its client: the client's end of a session. Any thread. */
public final class TunnelCall extends ClientCall.Listener<BytesMessage> implements CallPipe.End {
  private final ClientCall<BytesMessage, BytesMessage> call;
  private final CallPipe pipe = new CallPipe(this);
  private final CompletableFuture<Status> done = new CompletableFuture<>();
  private volatile boolean canceled;

  private TunnelCall(ClientCall<BytesMessage, BytesMessage> call) {
    this.call = call;
  }

  /** Starts the call; whoever does so {@linkplain #cancel cancels} it. */
  public static TunnelCall open(
      Channel server, MethodDescriptor<BytesMessage, BytesMessage> method, Metadata headers) {
    // Callbacks only pass bytes on: they need no thread of their own.
    var tunnel =
        new TunnelCall(server.newCall(method, CallOptions.DEFAULT.withExecutor(Runnable::run)));
    tunnel.call.start(tunnel, headers);
    return tunnel;
  }

  public CallPipe pipe() {
    return pipe;
  }

  /** Completes with the call's end. */
  public CompletionStage<Status> done() {
    return done;
  }

  /** Ends the call, whatever is under way; again, it does nothing. */
  public void cancel() {
    canceled = true;
    call.cancel("the tunnel is closed", null);
  }

  @Override
  public void request(int messages) {
    call.request(messages);
  }

  @Override
  public boolean isReady() {
    return call.isReady();
  }

  @Override
  public void send(BytesMessage message) {
    call.sendMessage(message);
  }

  @Override
  public void close() {
    if (!canceled) {
      call.halfClose();
    }
  }

  @Override
  public void onMessage(BytesMessage message) {
    pipe.received(message);
  }

  @Override
  public void onReady() {
    pipe.writable();
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    pipe.ended();
    done.complete(status);
  }
}
