package dev.kiln.grpc.transport;

import akka.stream.Attributes;
import akka.stream.Inlet;
import akka.stream.SinkShape;
import akka.stream.stage.AbstractInHandler;
import akka.stream.stage.AsyncCallback;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import dev.kiln.grpc.GrpcErrors;
import io.grpc.Status.Code;

/**
 * The answers of one call, taken only while its connection has room for them: what waits for a slow
 * client waits in the stream. Ends the call with the stream, and the stream with the call.
 */
final class Answers<B> extends GraphStage<SinkShape<B>> {
  private final Inlet<B> in = Inlet.create("answers.in");
  private final SinkShape<B> shape = SinkShape.of(in);
  private final ServedCall<?, B> call;

  Answers(ServedCall<?, B> call) {
    this.call = call;
  }

  @Override
  public SinkShape<B> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new GraphStageLogic(shape) {
      private final AsyncCallback<Boolean> onRoom = createAsyncCallback(_ -> pullIfRoom());
      private final AsyncCallback<Boolean> onEnd = createAsyncCallback(_ -> completeStage());

      {
        setHandler(
            in,
            new AbstractInHandler() {
              @Override
              public void onPush() {
                if (call.send(grab(in))) {
                  pullIfRoom();
                } else {
                  completeStage();
                }
              }

              @Override
              public void onUpstreamFinish() {
                call.close();
                completeStage();
              }

              @Override
              public void onUpstreamFailure(Throwable failure) {
                call.fail(failure);
                completeStage();
              }
            });
      }

      @Override
      public void preStart() {
        call.onRoom(() -> onRoom.invoke(true));
        call.call().onEnd(() -> onEnd.invoke(true));
        pullIfRoom();
      }

      @Override
      public void postStop() {
        if (!call.isOver()) {
          call.fail(GrpcErrors.of(Code.INTERNAL, "the stream of answers broke off"));
        }
      }

      private void pullIfRoom() {
        if (call.hasRoom() && !hasBeenPulled(in) && !isClosed(in)) {
          pull(in);
        }
      }
    };
  }
}
