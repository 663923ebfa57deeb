package dev.kiln.grpc.transport;

import dev.kiln.grpc.tunnel.BytePipe;
import io.netty.channel.EventLoop;

/** Takes calls that carry another connection's bytes. On the event loop; must not block. */
public interface Tunnels {
  /**
   * @param pipe the bytes, until the call ends or a channel that started the pipe closes
   * @param loop where they come in; a channel on it is reached without another thread
   * @throws RuntimeException what the call fails with
   */
  void open(Call call, BytePipe pipe, EventLoop loop);
}
