package dev.kiln.grpc.transport;

import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.ServerChannel;
import io.netty.channel.nio.AbstractNioMessageChannel;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A listening socket, unix or TCP, that was bound before anything else of the daemon was there:
 * connections made until then are accepted too. Closes the socket; the path of a unix socket stays,
 * since it may be another process's, where netty's own channels remove it.
 */
public final class BoundServerChannel extends AbstractNioMessageChannel implements ServerChannel {
  /** Of a burst of connections, before the loop turns to those that it has. */
  private static final int ACCEPTED_AT_ONCE = 64;

  private static final ChannelMetadata METADATA = new ChannelMetadata(false, ACCEPTED_AT_ONCE);

  private final ServerSocketChannel socket;
  private final SocketAddress address;
  private final Consumer<Channel> prepare;
  private final ChannelConfig config = new DefaultChannelConfig(this);

  /**
   * @param prepare run for each connection before anything is read from it
   */
  public BoundServerChannel(
      ServerSocketChannel socket, SocketAddress address, Consumer<Channel> prepare) {
    super(null, socket, SelectionKey.OP_ACCEPT);
    this.prepare = prepare;
    this.socket = socket;
    this.address = address;
  }

  @Override
  protected int doReadMessages(List<Object> accepted) throws IOException {
    SocketChannel connection = socket.accept();
    if (connection == null) {
      return 0;
    }
    Channel channel =
        address instanceof UnixDomainSocketAddress
            ? new NioDomainSocketChannel(this, connection)
            : new NioSocketChannel(this, connection);
    prepare.accept(channel);
    accepted.add(channel);
    return 1;
  }

  @Override
  protected void doBind(SocketAddress local) {
    // it is
  }

  @Override
  protected void doClose() throws Exception {
    super.doClose();
    socket.close();
  }

  @Override
  public boolean isActive() {
    return isOpen();
  }

  /** Out of descriptors, for one: the next close gives one back, so go on. */
  @Override
  protected boolean closeOnReadError(Throwable cause) {
    return !isOpen();
  }

  @Override
  public ChannelConfig config() {
    return config;
  }

  @Override
  public ChannelMetadata metadata() {
    return METADATA;
  }

  @Override
  protected SocketAddress localAddress0() {
    return address;
  }

  @Override
  protected @Nullable SocketAddress remoteAddress0() {
    return null;
  }

  @Override
  protected void doDisconnect() {
    throw new UnsupportedOperationException("a listening socket has no peer");
  }

  @Override
  protected boolean doConnect(SocketAddress remote, SocketAddress local) {
    throw new UnsupportedOperationException("a listening socket has no peer");
  }

  @Override
  protected void doFinishConnect() {
    throw new UnsupportedOperationException("a listening socket has no peer");
  }

  @Override
  protected boolean doWriteMessage(Object message, ChannelOutboundBuffer out) {
    throw new UnsupportedOperationException("a listening socket has no peer");
  }
}
