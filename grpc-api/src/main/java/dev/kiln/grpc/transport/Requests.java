package dev.kiln.grpc.transport;

import akka.stream.Attributes;
import akka.stream.Outlet;
import akka.stream.SourceShape;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.AsyncCallback;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import com.google.protobuf.Message;
import io.grpc.Status;
import java.util.ArrayDeque;

/**
 * The requests of one call as a stream, a few ahead of its reader. Fails if the client goes before
 * its end of stream. To be run once.
 */
final class Requests<A extends Message> extends GraphStage<SourceShape<A>> {
  private static final int AHEAD = 8;

  private final Outlet<A> out = Outlet.create("requests.out");
  private final SourceShape<A> shape = SourceShape.of(out);
  private final ServedCall<A, ?> call;

  Requests(ServedCall<A, ?> call) {
    this.call = call;
  }

  @Override
  public SourceShape<A> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic implements ServedCall.Inbound<A> {
    private final AsyncCallback<A> onMessage = createAsyncCallback(this::received);
    private final AsyncCallback<Boolean> onEnd = createAsyncCallback(this::ended);
    private final ArrayDeque<A> waiting = new ArrayDeque<>();
    private int asked;
    private boolean ended;

    Logic() {
      super(shape);
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              next();
            }
          });
    }

    @Override
    public void preStart() {
      call.receive(this);
      ask();
    }

    private void ask() {
      int more = AHEAD - asked - waiting.size();
      if (more >= AHEAD / 2) {
        asked += more;
        call.request(more);
      }
    }

    private void received(A message) {
      asked--;
      waiting.add(message);
      if (isAvailable(out)) {
        next();
      }
    }

    private void next() {
      A message = waiting.poll();
      if (message != null) {
        push(out, message);
        ask();
      }
      if (ended && waiting.isEmpty()) {
        completeStage();
      }
    }

    private void ended(boolean whole) {
      if (!whole) {
        failStage(Status.CANCELLED.withDescription("the call is over").asRuntimeException());
        return;
      }
      ended = true;
      if (waiting.isEmpty()) {
        completeStage();
      }
    }

    @Override
    public void message(A message) {
      onMessage.invoke(message);
    }

    @Override
    public void end(boolean whole) {
      onEnd.invoke(whole);
    }
  }
}
