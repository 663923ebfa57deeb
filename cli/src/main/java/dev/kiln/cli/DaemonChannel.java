package dev.kiln.cli;

import dev.kiln.grpc.transport.GrpcServer;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import io.grpc.ManagedChannel;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/** The connection to a daemon. Any thread; whoever opened it closes it. */
final class DaemonChannel implements AutoCloseable {
  private static final int FLOW_WINDOW_BYTES = 4 << 20;
  private final EventLoopGroup loops;
  private final ManagedChannel channel;

  private DaemonChannel(EventLoopGroup loops, ManagedChannel channel) {
    this.loops = loops;
    this.channel = channel;
  }

  /**
   * Files for TLS to a {@code tcp://} daemon. Immutable.
   *
   * @param serverName the name to expect in its certificate, where it is not the address'
   */
  record Tls(
      Path ca, Optional<Path> certificate, Optional<Path> key, Optional<String> serverName) {}

  /**
   * Prepares a connection; it is made with the first call.
   *
   * @param address {@code unix:///path} or {@code tcp://host:port}
   */
  static DaemonChannel open(String address, Optional<Tls> tls) {
    var loops =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("daemon-io", true), NioIoHandler.newFactory());
    NettyChannelBuilder builder;
    if (address.startsWith("unix://")) {
      builder =
          NettyChannelBuilder.forAddress(
                  UnixDomainSocketAddress.of(address.substring("unix://".length())))
              .channelType(NioDomainSocketChannel.class, UnixDomainSocketAddress.class)
              .overrideAuthority("localhost")
              .usePlaintext();
    } else if (address.startsWith("tcp://")) {
      URI uri = URI.create(address);
      if (uri.getHost() == null || uri.getPort() < 0) {
        throw unknown(address);
      }
      builder =
          NettyChannelBuilder.forAddress(new InetSocketAddress(uri.getHost(), uri.getPort()))
              .channelType(NioSocketChannel.class);
      if (tls.isPresent()) {
        secure(builder, tls.get(), uri.getHost());
      } else {
        builder.usePlaintext();
      }
    } else {
      throw unknown(address);
    }
    return new DaemonChannel(
        loops,
        builder
            .eventLoopGroup(loops)
            .flowControlWindow(FLOW_WINDOW_BYTES)
            .maxInboundMessageSize(GrpcServer.MAX_MESSAGE_BYTES)
            .maxInboundMetadataSize(GrpcServer.MAX_MESSAGE_BYTES) // failures carry sources and ops
            .executor(task ->
                Blocking.start(
                    "daemon-call",
                    () -> {
                      task.run();
                      return null;
                    }))
            .build());
  }

  private static BuildException unknown(String address) {
    return new BuildException(
        Kind.INVALID,
        "cannot reach '" + address + "': give unix:///path/to/socket or tcp://host:port");
  }

  private static void secure(NettyChannelBuilder builder, Tls tls, String host) {
    try {
      var context = GrpcSslContexts.forClient().trustManager(tls.ca().toFile());
      if (tls.certificate().isPresent() && tls.key().isPresent()) {
        context.keyManager(tls.certificate().get().toFile(), tls.key().get().toFile());
      }
      builder.sslContext(context.build()).overrideAuthority(tls.serverName().orElse(host));
    } catch (SSLException | IllegalArgumentException e) {
      throw new BuildException(Kind.INVALID, "cannot use the TLS files: " + e.getMessage(), e);
    }
  }

  ManagedChannel channel() {
    return channel;
  }

  @Override
  public void close() {
    channel.shutdownNow();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
