package dev.kiln.grpc.transport;

import akka.actor.ClassicActorSystemProvider;
import akka.stream.Materializer;
import akka.stream.SystemMaterializer;
import dev.kiln.grpc.tunnel.BytePipe;
import dev.kiln.grpc.tunnel.TunnelAddress;
import dev.kiln.grpc.tunnel.TunnelServerChannel;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.ChannelFactory;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.handler.ssl.SslContext;
import io.opentelemetry.api.trace.Tracer;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Serves gRPC services over sockets and over any other byte streams, with grpc-java's server.
 * Answers go uncompressed: grpc-go compresses those to compressed requests only, and each small
 * message would cost a compressor. Built once; any thread. Whoever builds it closes it: that ends
 * all connections.
 */
public final class GrpcServer implements AutoCloseable {
  /** Largest message of a request or an answer, as in BuildKit (features S-16). */
  public static final int MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

  /** Carries a local upload at full speed. */
  private static final int FLOW_WINDOW_BYTES = 4 << 20;

  private static final int MAX_HEADER_BYTES = 1 << 20;
  private static final int MAX_CALLS = 10_000;

  /**
   * Of a client that keeps a connection alive (grpc-go v1.72 {@code keepalive.EnforcementPolicy}).
   */
  private static final Duration PINGS_APART = Duration.ofMinutes(5);

  private final Map<String, ServerServiceDefinition> services;
  private final EventLoopGroup loops;
  private final List<Server> servers = new ArrayList<>();

  private GrpcServer(Map<String, ServerServiceDefinition> services, EventLoopGroup loops) {
    this.services = services;
    this.loops = loops;
  }

  /**
   * @param loops for sockets; stays open
   */
  public static Builder builder(ClassicActorSystemProvider system, EventLoopGroup loops) {
    return new Builder(system, loops);
  }

  /** Collects services; confined to one thread. */
  public static final class Builder {
    private final Materializer materializer;
    private final EventLoopGroup loops;
    private final List<Service> services = new ArrayList<>();
    private @Nullable Tracer tracer;

    private Builder(ClassicActorSystemProvider system, EventLoopGroup loops) {
      this.materializer = SystemMaterializer.get(system).materializer();
      this.loops = loops;
    }

    public Builder add(Service service) {
      services.add(service);
      return this;
    }

    /** Makes a span of each call whose caller traces. */
    public Builder tracer(Tracer tracer) {
      this.tracer = tracer;
      return this;
    }

    public GrpcServer build() {
      var spans = new ServerSpans(Optional.ofNullable(tracer));
      var built = new LinkedHashMap<String, ServerServiceDefinition>();
      for (Service service : services) {
        String name = service.description().name();
        var handlers = new Handlers(name, spans, materializer, loops);
        built.put(name, service.methods().apply(handlers).build());
      }
      return new GrpcServer(built, loops);
    }
  }

  /**
   * Takes over {@code socket}, bound already: connections made before now are served too.
   *
   * @param tls absent for plain connections
   */
  public void listen(ServerSocketChannel socket, Optional<SslContext> tls) throws IOException {
    SocketAddress address = socket.getLocalAddress();
    NettyServerBuilder server =
        on(
            address,
            () ->
                new BoundServerChannel(
                    socket,
                    address,
                    connection -> connection.pipeline().addLast(new HandshakeLog(address))));
    tls.ifPresent(server::sslContext);
    start(server);
  }

  /**
   * Serves the one connection that {@code pipe} carries, whose peer takes all the time it needs to
   * begin. Waits for an event loop, so not on one.
   */
  public void serve(BytePipe pipe) throws IOException {
    start(
        on(new TunnelAddress("pipe"), () -> new TunnelServerChannel(pipe))
            .handshakeTimeout(Long.MAX_VALUE, TimeUnit.MILLISECONDS));
  }

  private NettyServerBuilder on(
      SocketAddress address, ChannelFactory<? extends ServerChannel> channel) {
    var partial = new PartialMessages();
    return NettyServerBuilder.forAddress(address)
        .channelFactory(channel)
        .bossEventLoopGroup(loops)
        .workerEventLoopGroup(loops)
        .directExecutor() // handlers do not block
        .flowControlWindow(FLOW_WINDOW_BYTES)
        .maxInboundMessageSize(MAX_MESSAGE_BYTES)
        .maxInboundMetadataSize(MAX_HEADER_BYTES)
        .maxConcurrentCallsPerConnection(MAX_CALLS)
        .addTransportFilter(partial.connections())
        .addStreamTracerFactory(partial)
        // As grpc-go's servers: the third ping too many ends the connection (ENHANCE_YOUR_CALM).
        // Those by which Go's clients measure a connection follow data, which clears the count.
        .permitKeepAliveTime(PINGS_APART.toMillis(), TimeUnit.MILLISECONDS)
        .permitKeepAliveWithoutCalls(false)
        .addServices(List.copyOf(services.values()))
        .fallbackHandlerRegistry(new UnknownMethods(services.keySet()));
  }

  private synchronized void start(NettyServerBuilder server) throws IOException {
    servers.add(server.build().start());
  }

  /** Ends every connection, cancelling the calls under way. */
  @Override
  public synchronized void close() {
    servers.forEach(Server::shutdownNow);
  }
}
