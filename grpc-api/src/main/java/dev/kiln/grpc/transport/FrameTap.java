package dev.kiln.grpc.transport;

import akka.http.impl.engine.http2.FrameEvent;
import akka.http.impl.engine.http2.Http2Protocol;
import akka.stream.Attributes;
import akka.stream.BidiShape;
import akka.stream.Inlet;
import akka.stream.Outlet;
import akka.stream.stage.AbstractInHandler;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import java.util.List;

/**
 * Sees every HTTP/2 frame of one connection and adds what akka-http keeps to itself: a reset by the
 * peer ends the stream's call, for unary handlers too, and the end of the connection resets each
 * stream still open. Without the second, an upload whose client died would look like one that ended
 * well. It holds back nothing: one frame in, one frame out.
 */
final class FrameTap extends GraphStage<BidiShape<FrameEvent, FrameEvent, FrameEvent, FrameEvent>> {
  private static final int CANCEL = 8; // RFC 9113, section 7
  private final OpenStreams streams;
  private final Inlet<FrameEvent> fromServer = Inlet.create("FrameTap.fromServer");
  private final Outlet<FrameEvent> toPeer = Outlet.create("FrameTap.toPeer");
  private final Inlet<FrameEvent> fromPeer = Inlet.create("FrameTap.fromPeer");
  private final Outlet<FrameEvent> toServer = Outlet.create("FrameTap.toServer");

  FrameTap(OpenStreams streams) {
    this.streams = streams;
  }

  @Override
  public BidiShape<FrameEvent, FrameEvent, FrameEvent, FrameEvent> shape() {
    return new BidiShape<>(fromServer, toPeer, fromPeer, toServer);
  }

  private void sawFromPeer(FrameEvent frame) {
    switch (frame) {
      case FrameEvent.HeadersFrame headers -> streams.opened(headers.streamId());
      case FrameEvent.RstStreamFrame reset -> streams.ended(reset.streamId(), true);
      default -> {} // the other frames open and end nothing (FrameEvent is Scala's, not sealed
        // here)
    }
  }

  private void sawFromServer(FrameEvent frame) {
    switch (frame) {
      case FrameEvent.HeadersFrame headers when headers.endStream() ->
          streams.ended(headers.streamId(), false);
      case FrameEvent.DataFrame data when data.endStream() -> streams.ended(data.streamId(), false);
      case FrameEvent.RstStreamFrame reset -> streams.ended(reset.streamId(), false);
      default -> {}
    }
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new GraphStageLogic(shape()) {
      {
        setHandler(
            fromPeer,
            new AbstractInHandler() {
              @Override
              public void onPush() {
                FrameEvent frame = grab(fromPeer);
                sawFromPeer(frame);
                push(toServer, frame);
              }

              @Override
              public void onUpstreamFinish() {
                resetOpenStreams();
              }

              @Override
              public void onUpstreamFailure(Throwable failure) {
                resetOpenStreams();
              }
            });
        setHandler(
            toServer,
            new AbstractOutHandler() {
              @Override
              public void onPull() {
                pull(fromPeer);
              }

              @Override
              public void onDownstreamFinish(Throwable cause) {
                cancel(fromPeer, cause);
              }
            });
        setHandler(
            fromServer,
            new AbstractInHandler() {
              @Override
              public void onPush() {
                FrameEvent frame = grab(fromServer);
                sawFromServer(frame);
                push(toPeer, frame);
              }

              @Override
              public void onUpstreamFinish() {
                complete(toPeer);
              }

              @Override
              public void onUpstreamFailure(Throwable failure) {
                fail(toPeer, failure);
              }
            });
        setHandler(
            toPeer,
            new AbstractOutHandler() {
              @Override
              public void onPull() {
                pull(fromServer);
              }

              @Override
              public void onDownstreamFinish(Throwable cause) {
                cancel(fromServer, cause);
              }
            });
      }

      private void resetOpenStreams() {
        List<FrameEvent> resets =
            streams.ids().stream()
                .map(id ->
                    (FrameEvent)
                        new FrameEvent.RstStreamFrame(
                            id, Http2Protocol.ErrorCode$.MODULE$.byId(CANCEL)))
                .toList();
        endAllStreams();
        emitMultiple(toServer, resets.iterator(), () -> complete(toServer));
      }

      private void endAllStreams() {
        streams.ids().forEach(id -> streams.ended(id, true));
      }

      @Override
      public void postStop() {
        endAllStreams();
      }
    };
  }
}
