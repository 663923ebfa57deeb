package dev.kiln.cli.lend;

import dev.kiln.grpc.control.BytesMessage;
import dev.kiln.grpc.tunnel.CallPipe;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** The call to the daemon that carries a session. Any thread. */
final class SessionCall extends ClientCall.Listener<BytesMessage> implements CallPipe.End {
  private final ClientCall<BytesMessage, BytesMessage> call;
  private final CallPipe pipe = new CallPipe(this);
  private final CompletableFuture<Status> done = new CompletableFuture<>();
  private volatile boolean canceled;

  private SessionCall(ClientCall<BytesMessage, BytesMessage> call) {
    this.call = call;
  }

  static SessionCall open(
      Channel daemon, MethodDescriptor<BytesMessage, BytesMessage> method, Metadata headers) {
    // Callbacks only pass bytes on: they need no thread of their own.
    var session =
        new SessionCall(daemon.newCall(method, CallOptions.DEFAULT.withExecutor(Runnable::run)));
    session.call.start(session, headers);
    return session;
  }

  CallPipe pipe() {
    return pipe;
  }

  /** Completes with the call's end. */
  CompletionStage<Status> done() {
    return done;
  }

  void cancel() {
    canceled = true;
    call.cancel("the build is over", null);
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
