package dev.kiln.cli.lend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.grpc.control.BytesMessage;
import dev.kiln.session.SessionMetadata;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class SessionServerTest {
  private final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
  private final CountDownLatch sending = new CountDownLatch(1);
  private final CountDownLatch gate = new CountDownLatch(1);

  /** A daemon that takes its time with the first bytes. */
  private final class SlowCall extends ClientCall<BytesMessage, BytesMessage> {
    @Override
    public void start(Listener<BytesMessage> listener, Metadata headers) {}

    @Override
    public void request(int messages) {}

    @Override
    public void cancel(@Nullable String message, @Nullable Throwable cause) {
      seen.add("cancel");
    }

    @Override
    public void halfClose() {
      seen.add("end");
    }

    @Override
    public void sendMessage(BytesMessage message) {
      sending.countDown();
      try {
        gate.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      seen.add("bytes");
    }
  }

  private final class SlowDaemon extends Channel {
    @Override
    @SuppressWarnings("unchecked") // there is one method
    public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
      return (ClientCall<Q, R>) new SlowCall();
    }

    @Override
    public String authority() {
      return "localhost";
    }
  }

  @Test
  @Timeout(20)
  void nothingIsSentThroughTheConnectionOnceASessionIsClosed() throws Exception {
    BytesMessage bytes = BytesMessage.getDefaultInstance();
    SessionServer session =
        SessionServer.open(
            new SlowDaemon(),
            MethodDescriptor.<BytesMessage, BytesMessage>newBuilder()
                .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
                .setFullMethodName("test/Session")
                .setRequestMarshaller(ProtoUtils.marshaller(bytes))
                .setResponseMarshaller(ProtoUtils.marshaller(bytes))
                .build(),
            new SessionMetadata("id", "name", "", Set.of()),
            new Lent(Map.of(), List.of(), Map.of(), Map.of(), Map.of()),
            OutputStream.nullOutputStream(),
            0,
            0);
    sending.await();
    Thread closing = Thread.ofPlatform().start(session::close);
    while (closing.getState() == Thread.State.RUNNABLE || closing.getState() == Thread.State.NEW) {
      Thread.onSpinWait();
    }
    if (closing.getState() == Thread.State.TERMINATED) {
      seen.add("closed");
    }
    gate.countDown();
    closing.join();
    seen.add("closed");
    assertThat(seen).contains("bytes").endsWith("cancel", "closed");
  }
}
