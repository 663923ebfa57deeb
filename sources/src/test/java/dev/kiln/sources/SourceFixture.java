package dev.kiln.sources;

import dev.kiln.grpc.session.secrets.GetSecretRequest;
import dev.kiln.grpc.session.secrets.GetSecretResponse;
import dev.kiln.grpc.session.sshforward.CheckAgentRequest;
import dev.kiln.grpc.session.sshforward.CheckAgentResponse;
import dev.kiln.llb.SourceOp;
import dev.kiln.model.Platform;
import dev.kiln.model.Progress;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Registry;
import dev.kiln.registry.RegistryHosts;
import dev.kiln.session.ClientAuth;
import dev.kiln.session.ClientSession;
import dev.kiln.session.SessionGroup;
import dev.kiln.session.SessionMetadata;
import dev.kiln.session.Sessions;
import dev.kiln.store.Lease;
import dev.kiln.store.LocalStore;
import dev.kiln.store.RefId;
import dev.kiln.store.Store;
import dev.kiln.store.StoreOptions;
import dev.kiln.store.View;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ServerCalls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Real store and sources below one folder, with a client that lends secrets. */
public final class SourceFixture implements AutoCloseable {
  private final Store store;
  private final Sessions sessions = new Sessions();
  private final Registry registry = new Registry(RegistryHosts.DEFAULT, "test");
  private final Sources sources;
  private final Lease lease;
  private final Server client;
  private final ManagedChannel channel;
  public final Map<String, String> secrets = new ConcurrentHashMap<>();
  public final StringBuffer log = new StringBuffer();

  public SourceFixture(Path root) throws IOException {
    store = LocalStore.open(StoreOptions.of(root, "native"));
    sources =
        new Sources(
            store, sessions, new ClientAuth(), registry, Platform.parse("linux/amd64"), "test/1");
    lease = store.leases().open("test");
    var get =
        MethodDescriptor.<GetSecretRequest, GetSecretResponse>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("moby.buildkit.secrets.v1.Secrets/GetSecret")
            .setRequestMarshaller(ProtoUtils.marshaller(GetSecretRequest.getDefaultInstance()))
            .setResponseMarshaller(ProtoUtils.marshaller(GetSecretResponse.getDefaultInstance()))
            .build();
    client =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(
                ServerServiceDefinition.builder("moby.buildkit.secrets.v1.Secrets")
                    .addMethod(
                        get,
                        ServerCalls.asyncUnaryCall((request, to) -> {
                          String value = secrets.get(request.getID());
                          if (value == null) {
                            to.onError(io.grpc.Status.NOT_FOUND.asRuntimeException());
                          } else {
                            to.onNext(
                                GetSecretResponse.newBuilder()
                                    .setData(com.google.protobuf.ByteString.copyFromUtf8(value))
                                    .build());
                            to.onCompleted();
                          }
                        }))
                    .build())
            .addService(
                ServerServiceDefinition.builder("moby.sshforward.v1.SSH")
                    .addMethod(
                        checkAgent(),
                        ServerCalls.asyncUnaryCall((request, to) -> {
                          if (request.getID().equals("default")) {
                            to.onNext(CheckAgentResponse.getDefaultInstance());
                            to.onCompleted();
                          } else {
                            to.onError(
                                io.grpc.Status.UNKNOWN
                                    .withDescription("unset ssh forward key " + request.getID())
                                    .asRuntimeException());
                          }
                        }))
                    .build())
            .build()
            .start();
    channel = NettyChannelBuilder.forAddress("localhost", client.getPort()).usePlaintext().build();
    sessions.add(
        new ClientSession(
            new SessionMetadata(
                "s1",
                "",
                "",
                Set.of(
                    "/moby.buildkit.secrets.v1.secrets/getsecret",
                    "/moby.sshforward.v1.ssh/checkagent",
                    "/moby.sshforward.v1.ssh/forwardagent")),
            channel,
            channel::shutdownNow));
  }

  private static MethodDescriptor<CheckAgentRequest, CheckAgentResponse> checkAgent() {
    return MethodDescriptor.<CheckAgentRequest, CheckAgentResponse>newBuilder()
        .setType(MethodDescriptor.MethodType.UNARY)
        .setFullMethodName("moby.sshforward.v1.SSH/CheckAgent")
        .setRequestMarshaller(ProtoUtils.marshaller(CheckAgentRequest.getDefaultInstance()))
        .setResponseMarshaller(ProtoUtils.marshaller(CheckAgentResponse.getDefaultInstance()))
        .build();
  }

  /** The client that lends secrets, and an ssh agent of the id {@code default}. */
  public SessionGroup sessions() {
    return sessions.group(List.of("s1"));
  }

  public Source open(String identifier, Map<String, String> attrs) {
    return sources.open(new SourceOp(identifier, attrs), Optional.empty());
  }

  public SourceContext context() {
    return new SourceContext() {
      @Override
      public List<String> sessionIds() {
        return List.of("s1");
      }

      @Override
      public StepProgress progress() {
        return new StepProgress() {
          @Override
          public void log(int stream, byte[] message) {
            log.append(new String(message, StandardCharsets.UTF_8));
          }

          @Override
          public void status(
              String id,
              String name,
              long current,
              long total,
              Optional<Instant> started,
              Optional<Instant> completed) {}

          @Override
          public void warn(Progress.Warning warning) {}
        };
      }

      @Override
      public Lease lease() {
        return lease;
      }
    };
  }

  /** The source's content; the caller closes it. */
  public View view(Source source) throws IOException, InterruptedException {
    RefId ref = source.snapshot(context()).orElseThrow();
    return store.refs().view(ref, StepProgress.NONE);
  }

  public Store store() {
    return store;
  }

  @Override
  public void close() {
    sources.close();
    lease.close();
    sessions.close();
    registry.close();
    client.shutdownNow();
    channel.shutdownNow();
    store.close();
  }
}
