package dev.kiln.session;

import akka.actor.typed.ActorSystem;
import akka.stream.javadsl.Flow;
import dev.kiln.session.tunnel.TunnelServer;
import dev.kiln.session.tunnel.TunnelStage;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.netty.channel.DefaultEventLoopGroup;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A client in this JVM that lends services over a tunnel, as the Go client does. */
final class TestClient implements AutoCloseable {
  private final EventLoopGroup loops = new DefaultEventLoopGroup(1);
  private final AtomicReference<@Nullable Server> server = new AtomicReference<>();

  TestClient(
      ActorSystem<?> system, Sessions sessions, String id, List<ServerServiceDefinition> services) {
    this(system, sessions, new SessionMetadata(id, "", "", methods(services)), services);
  }

  TestClient(
      ActorSystem<?> system,
      Sessions sessions,
      SessionMetadata metadata,
      List<ServerServiceDefinition> services) {
    var peer =
        Flow.fromGraph(
            new TunnelStage(
                pipe -> {
                  try {
                    server.set(TunnelServer.start(pipe, loops, services, 4 << 20));
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                },
                () -> {}));
    sessions.accept(metadata).join(peer).run(system);
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
    Server s = server.get();
    if (s != null) {
      s.shutdownNow();
    }
    loops.shutdownGracefully(0, 0, java.util.concurrent.TimeUnit.SECONDS);
  }
}
