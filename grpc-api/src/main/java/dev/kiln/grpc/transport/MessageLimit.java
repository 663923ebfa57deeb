package dev.kiln.grpc.transport;

import akka.stream.Attributes;
import akka.stream.FlowShape;
import akka.stream.Inlet;
import akka.stream.Outlet;
import akka.stream.stage.AbstractInOutHandler;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import akka.util.ByteString;
import dev.kiln.grpc.GrpcErrors;
import io.grpc.Status.Code;

/**
 * Fails a request whose next message announces more bytes than allowed, before any of them is kept:
 * akka-grpc itself has no limit. Follows gRPC's framing (a flag byte, four bytes of length).
 */
final class MessageLimit extends GraphStage<FlowShape<ByteString, ByteString>> {
  private static final int PREFIX_BYTES = 5;
  private final int maxBytes;
  private final Inlet<ByteString> in = Inlet.create("MessageLimit.in");
  private final Outlet<ByteString> out = Outlet.create("MessageLimit.out");

  MessageLimit(int maxBytes) {
    this.maxBytes = maxBytes;
  }

  @Override
  public FlowShape<ByteString, ByteString> shape() {
    return FlowShape.of(in, out);
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new GraphStageLogic(shape()) {
      private int prefixRead;
      private long length;
      private long bodyLeft;
      private boolean refused;

      {
        setHandlers(
            in,
            out,
            new AbstractInOutHandler() {
              @Override
              public void onPush() {
                ByteString bytes = grab(in);
                if (refused) {
                  pull(in);
                } else if (accepts(bytes)) {
                  push(out, bytes);
                } else {
                  refuse();
                }
              }

              @Override
              public void onPull() {
                pull(in);
              }
            });
      }

      /**
       * The rest is read and dropped: to cancel it would reset the stream before the status is
       * sent.
       */
      private void refuse() {
        refused = true;
        setKeepGoing(true);
        fail(
            out,
            GrpcErrors.of(
                Code.RESOURCE_EXHAUSTED,
                "grpc: received message larger than max (" + length + " vs. " + maxBytes + ")"));
        pull(in);
      }

      private boolean accepts(ByteString bytes) {
        int at = 0;
        while (at < bytes.size()) {
          if (bodyLeft > 0) {
            long step = Math.min(bodyLeft, bytes.size() - at);
            bodyLeft -= step;
            at += (int) step;
          } else {
            int value = bytes.apply(at++) & 0xff;
            length = prefixRead == 0 ? 0 : (length << 8) | value;
            if (++prefixRead == PREFIX_BYTES) {
              prefixRead = 0;
              bodyLeft = length;
              if (length > maxBytes) {
                return false;
              }
            }
          }
        }
        return true;
      }
    };
  }
}
