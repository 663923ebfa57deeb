package dev.kiln.grpc.tunnel;

import io.netty.channel.AbstractServerChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.EventLoop;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * A listener that accepts one connection, the tunnel's, as soon as it is bound. For the end that
 * serves: a client lending its session.
 */
public final class TunnelServerChannel extends AbstractServerChannel {
  private final ChannelConfig config = new TunnelConfig(this);
  private final BytePipe pipe;
  private volatile @Nullable SocketAddress bound;
  private volatile boolean open = true;
  private boolean accepted;

  public TunnelServerChannel(BytePipe pipe) {
    this.pipe = pipe;
  }

  @Override
  protected void doBind(SocketAddress local) {
    bound = local;
  }

  @Override
  protected void doBeginRead() {
    if (!accepted) {
      accepted = true;
      var child = new TunnelChannel(this, pipe, new TunnelAddress("accepted"));
      eventLoop()
          .execute(() -> {
            pipeline().fireChannelRead(child);
            pipeline().fireChannelReadComplete();
          });
    }
  }

  @Override
  protected void doClose() {
    open = false;
  }

  @Override
  protected boolean isCompatible(EventLoop loop) {
    return true;
  }

  @Override
  protected @Nullable SocketAddress localAddress0() {
    return bound;
  }

  @Override
  public ChannelConfig config() {
    return config;
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public boolean isActive() {
    return open && bound != null;
  }
}
