package dev.kiln.grpc.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Attributes;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PartialMessagesTest {
  private final PartialMessages bound = new PartialMessages();
  private final Attributes connection = bound.connections().transportReady(Attributes.EMPTY);

  private ServerStreamTracer call(Attributes of) {
    ServerStreamTracer call = bound.newServerStreamTracer("any", new Metadata());
    call.serverCallStarted(
        new ServerStreamTracer.ServerCallInfo<Object, Object>() {
          @Override
          public MethodDescriptor<Object, Object> getMethodDescriptor() {
            throw new AssertionError("not asked for");
          }

          @Override
          public Attributes getAttributes() {
            return of;
          }

          @Override
          public @Nullable String getAuthority() {
            return null;
          }
        });
    return call;
  }

  private static void most(ServerStreamTracer call) {
    call.inboundWireSize(PartialMessages.MOST_BYTES - PartialMessages.PIECE_BYTES);
  }

  @Test
  void theCallThatGoesOverTheBoundIsRefusedAndGivesBackWhatItHeld() {
    ServerStreamTracer other = call(connection);
    other.inboundWireSize(1);
    ServerStreamTracer call = call(connection);
    assertThatThrownBy(() -> most(call))
        .satisfies(e ->
            assertThat(Status.fromThrowable(e).getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED))
        .hasMessageContaining("bytes of unfinished messages on one connection");
    other.streamClosed(Status.CANCELLED);
    assertThatCode(() -> most(call(connection))).doesNotThrowAnyException();
  }

  @Test
  void aMessageThatIsWholeCountsNoLonger() {
    ServerStreamTracer call = call(connection);
    for (int i = 0; i < 3; i++) {
      most(call);
      call.inboundMessageRead(i, 0, 0);
    }
  }

  @Test
  void anotherConnectionHasItsOwn() {
    most(call(connection));
    assertThatCode(() -> most(call(bound.connections().transportReady(Attributes.EMPTY))))
        .doesNotThrowAnyException();
  }

  @Test
  void piecesOfOneByteCountForMore() {
    ServerStreamTracer call = call(connection);
    assertThatThrownBy(() -> IntStream.range(0, 1 << 20).forEach(_ -> call.inboundWireSize(1)))
        .hasMessageContaining("unfinished messages");
  }
}
