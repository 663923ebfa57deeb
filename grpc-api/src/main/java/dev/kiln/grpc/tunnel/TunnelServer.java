package dev.kiln.grpc.tunnel;

import dev.kiln.tracing.ThreadPerTask;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.util.List;

/** A gRPC server for the one connection that a {@link BytePipe} carries. Stateless. */
public final class TunnelServer {
  private static final int FLOW_WINDOW_BYTES = 4 << 20;

  private TunnelServer() {}

  /**
   * Starts to serve; the caller shuts the server down.
   *
   * @param loops a group for plain event loops, such as netty's {@code DefaultEventLoopGroup}
   */
  public static Server start(
      BytePipe pipe,
      EventLoopGroup loops,
      List<ServerServiceDefinition> services,
      int maxMessageBytes)
      throws IOException {
    return NettyServerBuilder.forAddress(new TunnelAddress("session"))
        .channelFactory(() -> new TunnelServerChannel(pipe))
        .bossEventLoopGroup(loops)
        .workerEventLoopGroup(loops)
        .flowControlWindow(FLOW_WINDOW_BYTES)
        .maxInboundMessageSize(maxMessageBytes)
        .executor(new ThreadPerTask("session-service"))
        .addServices(services)
        .build()
        .start();
  }
}
