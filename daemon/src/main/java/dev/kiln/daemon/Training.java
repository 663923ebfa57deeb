package dev.kiln.daemon;

import com.google.protobuf.Message;
import dev.kiln.cli.KilnCommand;
import dev.kiln.grpc.control.ListWorkersRequest;
import dev.kiln.grpc.control.ListWorkersResponse;
import dev.kiln.grpc.otlp.AnyValue;
import dev.kiln.grpc.otlp.ExportTraceServiceRequest;
import dev.kiln.grpc.otlp.ExportTraceServiceResponse;
import dev.kiln.grpc.otlp.KeyValue;
import dev.kiln.grpc.otlp.ResourceSpans;
import dev.kiln.grpc.otlp.ScopeSpans;
import dev.kiln.grpc.otlp.Span;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import sun.misc.Signal;

/**
 * The run from which the distribution's AOT cache is made: a daemon and a client in one process, an
 * image, a build on it from a registry, the same from the cache, and a stop. Used by the build only
 * ({@code src/main/assembly/distribution.sh}).
 */
final class Training {
  /** Builds of the kind that comes most often, all cached: what is hot then, is compiled early. */
  private static final int ROUNDS = 20;

  private static final int STEPS = 5;

  /** Named in code that every start runs, but made only later or when something fails. */
  private static final List<String> LINKED =
      List.of(
          "dev.kiln.daemon.Rehearsal",
          "picocli.CommandLine$PicocliException",
          "picocli.CommandLine$ParameterException",
          "java.security.cert.Certificate",
          "java.security.cert.X509Certificate");

  private static final int TRIES = 3_000;
  private static final long PAUSE_NANOS = 10_000_000;

  private Training() {}

  /**
   * @param args an empty folder to work in
   */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    Path socket = folder.resolve("kiln.sock");
    String address = "unix://" + socket;
    Thread.ofPlatform()
        .name("training-daemon")
        .start(() -> {
          try {
            KilnDaemon.main(arguments(folder, address));
          } catch (IOException e) {
            throw new IllegalStateException("the daemon did not start", e);
          }
        });
    awaitListener(socket);
    for (String name : LINKED) {
      Class.forName(name);
    }
    firstCalls(socket);
    Path base = Files.createDirectories(folder.resolve("base"));
    Files.writeString(base.resolve("file"), "training\n");
    Path busybox = Path.of("/bin/busybox");
    boolean runs = Files.isExecutable(busybox);
    if (runs) {
      Files.copy(busybox, base.resolve("busybox"));
    }
    Files.writeString(base.resolve("Dockerfile"), "FROM scratch\nCOPY . /\nWORKDIR /work\n");
    Path archive = folder.resolve("base.tar");
    build(base, address, "type=oci,dest=" + archive);
    Path context = Files.createDirectories(folder.resolve("context"));
    Files.writeString(context.resolve("other"), "training\n");
    try (var registry = new TrainingRegistry(archive)) {
      Files.writeString(
          context.resolve("Dockerfile"),
          "FROM "
              + registry.image()
              + " AS base\n"
              + (runs ? "RUN [\"/busybox\", \"true\"]\n".repeat(STEPS) : "")
              + "COPY other /other\nFROM scratch\nCOPY --from=base /file /\n");
      build(context, address, "type=local,dest=" + folder.resolve("out"));
      for (int round = 0; round < ROUNDS; round++) {
        build(context, address, "type=tar,dest=" + folder.resolve("out.tar"));
      }
    }
    Signal.raise(new Signal("TERM"));
  }

  /** The flags and the kinds of settings that daemons are started with. */
  private static String[] arguments(Path folder, String address) throws IOException {
    Path root = folder.resolve("root");
    Path settings =
        Files.writeString(
            folder.resolve("buildkitd.toml"),
            """
            root = "%s"
            [registry."docker.io"]
              mirrors = ["localhost:5000"]
            [registry."localhost:5000"]
              http = true
              insecure = true
            [worker.oci]
              gc = false
              snapshotter = "overlayfs"
            """
                .formatted(root));
    return new String[] {
      "--config=" + settings,
      "--root",
      root.toString(),
      "--addr",
      address,
      "--oci-worker=true",
      "--containerd-worker=false"
    };
  }

  /** What buildctl calls before all else. */
  private static void firstCalls(Path socket) {
    var loops =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("training-io", true), NioIoHandler.newFactory());
    var channel =
        NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket))
            .channelType(NioDomainSocketChannel.class, UnixDomainSocketAddress.class)
            .eventLoopGroup(loops)
            .overrideAuthority("localhost")
            .usePlaintext()
            .build();
    try {
      call(
          channel,
          "moby.buildkit.v1.Control/ListWorkers",
          ListWorkersRequest.getDefaultInstance(),
          ListWorkersResponse.getDefaultInstance());
      var span =
          Span.newBuilder()
              .setName("training")
              .addAttributes(
                  KeyValue.newBuilder()
                      .setKey("training")
                      .setValue(AnyValue.newBuilder().setStringValue("yes")));
      call(
          channel,
          "opentelemetry.proto.collector.trace.v1.TraceService/Export",
          ExportTraceServiceRequest.newBuilder()
              .addResourceSpans(
                  ResourceSpans.newBuilder().addScopeSpans(ScopeSpans.newBuilder().addSpans(span)))
              .build(),
          ExportTraceServiceResponse.getDefaultInstance());
    } finally {
      channel.shutdownNow();
      loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
  }

  private static <Q extends Message, R extends Message> void call(
      Channel channel, String name, Q request, R response) {
    var method =
        MethodDescriptor.<Q, R>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(name)
            .setRequestMarshaller(ProtoUtils.marshaller(request))
            .setResponseMarshaller(ProtoUtils.marshaller(response))
            .build();
    try {
      ClientCalls.blockingUnaryCall(channel, method, CallOptions.DEFAULT, request);
    } catch (StatusRuntimeException e) {
      System.err.println("a training call of " + name + " ended with " + e.getStatus());
    }
  }

  private static void build(Path context, String address, String output) {
    int code = KilnCommand.run("build", context.toString(), "--addr", address, "--output", output);
    if (code != 0) {
      System.err.println(
          "a training build ended with " + code + ": the cache will lack what it did not reach");
    }
  }

  private static void awaitListener(Path socket) throws IOException {
    for (int i = 0; i < TRIES; i++) {
      if (Files.exists(socket)) {
        try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
          return;
        } catch (IOException notYet) {
          // bound, but not listening yet
        }
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
    throw new IOException("the daemon does not listen on " + socket);
  }
}
