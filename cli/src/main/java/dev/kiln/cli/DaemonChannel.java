package dev.kiln.cli;

import dev.kiln.grpc.control.InfoRequest;
import dev.kiln.grpc.transport.GrpcServer;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.ThreadPerTask;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The connection to a daemon. Any thread; whoever opened it closes it. */
final class DaemonChannel implements AutoCloseable {
  /** For a daemon that is under load or still starts. */
  static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final int CONNECT_MILLIS = 10_000;
  private static final int FLOW_WINDOW_BYTES = 4 << 20;
  private final DaemonAddress address;
  private final boolean secure;
  private final EventLoopGroup loops;
  private final ManagedChannel channel;

  private DaemonChannel(
      DaemonAddress address, boolean secure, EventLoopGroup loops, ManagedChannel channel) {
    this.address = address;
    this.secure = secure;
    this.loops = loops;
    this.channel = channel;
  }

  /**
   * Prepares a connection; it is made with the first call.
   *
   * @throws BuildException {@code INVALID} where the files for TLS cannot be used
   */
  static DaemonChannel open(DaemonAddress address, ClientTls tls) {
    NettyChannelBuilder builder =
        switch (address) {
          case DaemonAddress.Unix unix -> unix(unix, tls);
          case DaemonAddress.Tcp tcp -> tcp(tcp, tls);
        };
    var loops =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("daemon-io", true), NioIoHandler.newFactory());
    return new DaemonChannel(
        address,
        tls.isAsked(),
        loops,
        builder
            .eventLoopGroup(loops)
            .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
            .flowControlWindow(FLOW_WINDOW_BYTES)
            .maxInboundMessageSize(GrpcServer.MAX_MESSAGE_BYTES)
            .maxInboundMetadataSize(GrpcServer.MAX_MESSAGE_BYTES) // failures carry sources and ops
            .executor(new ThreadPerTask("daemon-call"))
            .build());
  }

  private static NettyChannelBuilder unix(DaemonAddress.Unix address, ClientTls tls) {
    if (tls.isAsked()) {
      throw new BuildException(
          Kind.INVALID,
          "the --tls flags are for tcp:// daemons, and the address is " + address.text());
    }
    return NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(address.socket()))
        .channelType(NioDomainSocketChannel.class, UnixDomainSocketAddress.class)
        .overrideAuthority("localhost")
        .usePlaintext();
  }

  private static NettyChannelBuilder tcp(DaemonAddress.Tcp address, ClientTls tls) {
    var builder =
        NettyChannelBuilder.forAddress(new InetSocketAddress(address.host(), address.port()))
            .channelType(NioSocketChannel.class);
    String name = tls.serverName().filter(given -> !given.isEmpty()).orElse(address.host());
    // The bare host: with a port, some daemons would look for a name that no certificate has.
    return tls.isAsked()
        ? builder.sslContext(tls.context()).overrideAuthority(name)
        : builder.overrideAuthority(authority(address)).usePlaintext();
  }

  // Names with an underscore are common between containers, and no authority to the JDK's URI.
  private static String authority(DaemonAddress.Tcp address) {
    return address.host().indexOf('_') < 0 ? address.host() + ":" + address.port() : "localhost";
  }

  /**
   * Connects, and sees that a daemon answers. Blocks.
   *
   * @throws BuildException {@code UNAVAILABLE}: what was tried, what is wrong and how to mend it
   */
  void greet(Duration patience) throws InterruptedException {
    try {
      var _ =
          ClientCalls.blockingUnaryCall(
              channel,
              ControlMethods.INFO,
              CallOptions.DEFAULT.withDeadlineAfter(patience.toMillis(), TimeUnit.MILLISECONDS),
              InfoRequest.getDefaultInstance());
    } catch (StatusRuntimeException e) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      if (ConnectionFailure.isOne(e) || e.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED) {
        throw ConnectionFailure.reaching(address, secure, e);
      }
      // A daemon that is too old for this call is one all the same.
    }
  }

  DaemonAddress address() {
    return address;
  }

  ManagedChannel channel() {
    return channel;
  }

  /** Ends all calls, then the threads that they end on. */
  @Override
  public void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
