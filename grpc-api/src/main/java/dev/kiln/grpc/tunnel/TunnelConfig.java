package dev.kiln.grpc.tunnel;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultChannelConfig;

/** A channel's settings; those of sockets, which gRPC sets on every channel, mean nothing here. */
final class TunnelConfig extends DefaultChannelConfig {
  TunnelConfig(Channel channel) {
    super(channel);
  }

  @Override
  public <T> boolean setOption(ChannelOption<T> option, T value) {
    return super.setOption(option, value)
        || option == ChannelOption.SO_KEEPALIVE
        || option == ChannelOption.SO_BACKLOG;
  }
}
