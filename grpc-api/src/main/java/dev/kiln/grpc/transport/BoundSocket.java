package dev.kiln.grpc.transport;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;

/** A listening socket, bound before anything else of a daemon is there, as netty's channel. */
public final class BoundSocket {
  private BoundSocket() {}

  /** Takes the socket over: the channel closes it. Connections made before now are accepted too. */
  public static ServerChannel channel(ServerSocketChannel socket) {
    boolean unix;
    try {
      unix = socket.getLocalAddress() instanceof UnixDomainSocketAddress;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    ServerChannel channel =
        unix ? new NioServerDomainSocketChannel(socket) : new NioServerSocketChannel(socket);
    channel
        .pipeline()
        .addLast(
            new ChannelOutboundHandlerAdapter() {
              @Override
              public void bind(
                  ChannelHandlerContext context, SocketAddress address, ChannelPromise promise) {
                promise.setSuccess();
              }
            });
    return channel;
  }
}
