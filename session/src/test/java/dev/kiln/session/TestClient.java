package dev.kiln.session;

import dev.kiln.grpc.tunnel.TunnelServer;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.netty.channel.DefaultEventLoopGroup;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A client in this JVM that lends services over a tunnel, as the Go client does. */
final class TestClient implements AutoCloseable {
  /** The daemon's, which goes on when a client is gone. */
  private static final EventLoopGroup DAEMON =
      new DefaultEventLoopGroup(1, new DefaultThreadFactory("daemon", true));

  private final EventLoopGroup loops = new DefaultEventLoopGroup(1);
  private final Server server;

  TestClient(Sessions sessions, String id, List<ServerServiceDefinition> services)
      throws IOException {
    this(sessions, new SessionMetadata(id, "", "", methods(services)), services);
  }

  TestClient(Sessions sessions, SessionMetadata metadata, List<ServerServiceDefinition> services)
      throws IOException {
    MemoryPipe[] ends = MemoryPipe.pair();
    server = TunnelServer.start(ends[0], loops, services, 4 << 20);
    sessions.open(metadata, ends[1], DAEMON.next());
  }

  private static Set<String> methods(List<ServerServiceDefinition> services) {
    var all = new HashSet<String>();
    services.forEach(s ->
        s.getMethods().forEach(m -> all.add("/" + m.getMethodDescriptor().getFullMethodName())));
    return all;
  }

  /** The client's process is gone. */
  @Override
  public void close() {
    server.shutdownNow();
    loops.shutdownGracefully(0, 0, java.util.concurrent.TimeUnit.SECONDS);
  }
}
