package dev.kiln.cli.lend;

import dev.kiln.grpc.control.BytesMessage;
import dev.kiln.grpc.transport.GrpcServer;
import dev.kiln.grpc.tunnel.TunnelCall;
import dev.kiln.grpc.tunnel.TunnelServer;
import dev.kiln.session.SessionMetadata;
import io.grpc.Channel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.netty.channel.DefaultEventLoopGroup;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * A session: a gRPC server within a call to the daemon, for the length of one build. Whoever opened
 * it closes it.
 */
public final class SessionServer implements AutoCloseable {
  private static final Duration LAST_BYTES = Duration.ofSeconds(2);

  private final EventLoopGroup loops =
      new DefaultEventLoopGroup(1, new DefaultThreadFactory("session", true));
  private final TunnelCall call;
  private final Server server;

  private SessionServer(TunnelCall call, List<ServerServiceDefinition> services)
      throws IOException {
    this.call = call;
    this.server = TunnelServer.start(call.pipe(), loops, services, GrpcServer.MAX_MESSAGE_BYTES);
  }

  /**
   * Opens a session.
   *
   * @param standardOutput where an output to {@code -} goes; stays open
   */
  public static SessionServer open(
      Channel daemon,
      MethodDescriptor<BytesMessage, BytesMessage> method,
      SessionMetadata metadata,
      Lent lent,
      OutputStream standardOutput,
      int uid,
      int gid)
      throws IOException {
    List<ServerServiceDefinition> services = new Services(lent, standardOutput, uid, gid).all();
    var headers = new Metadata();
    put(headers, SessionMetadata.ID_HEADER, metadata.id());
    put(headers, SessionMetadata.NAME_HEADER, metadata.name());
    put(headers, SessionMetadata.SHARED_KEY_HEADER, metadata.sharedKey());
    for (ServerServiceDefinition service : services) {
      service
          .getMethods()
          .forEach(m ->
              put(
                  headers,
                  SessionMetadata.METHOD_HEADER,
                  "/" + m.getMethodDescriptor().getFullMethodName()));
    }
    return new SessionServer(TunnelCall.open(daemon, method, headers), services);
  }

  private static void put(Metadata headers, String name, String value) {
    headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
  }

  /** Completes when the daemon has ended the session. */
  public CompletionStage<Status> done() {
    return call.done();
  }

  /**
   * Ends the session. Its last bytes go through the call, so the call lives until they are gone,
   * and afterwards nothing uses the connection any more. Blocks for as long, at most {@link
   * #LAST_BYTES}.
   */
  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination(LAST_BYTES.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    call.cancel();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
