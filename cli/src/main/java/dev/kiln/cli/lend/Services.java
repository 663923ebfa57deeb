package dev.kiln.cli.lend;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.kiln.cli.GivenFiles;
import dev.kiln.grpc.health.HealthCheckRequest;
import dev.kiln.grpc.health.HealthCheckResponse;
import dev.kiln.grpc.session.secrets.GetSecretRequest;
import dev.kiln.grpc.session.secrets.GetSecretResponse;
import dev.kiln.grpc.session.sshforward.CheckAgentRequest;
import dev.kiln.grpc.session.sshforward.CheckAgentResponse;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.session.Duplex;
import dev.kiln.session.FileSync;
import dev.kiln.session.PacketCall;
import dev.kiln.session.ServerDuplex;
import dev.kiln.session.tree.FilteredTree;
import dev.kiln.session.tree.TreeEntry;
import dev.kiln.session.tree.TreeSender;
import dev.kiln.tracing.Blocking;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.ProtoUtils;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.URLDecoder;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;

/** The services that a build lends its daemon, as gRPC definitions. Stateless but for the files. */
final class Services {
  private static final int SSH_BUFFER_BYTES = 1 << 15;
  private final Lent lent;
  private final OutputStream standardOutput;
  private final int uid;
  private final int gid;

  /**
   * @param standardOutput where an output to {@code -} goes; stays open
   * @param uid owner of the files that come out
   */
  Services(Lent lent, OutputStream standardOutput, int uid, int gid) {
    this.lent = lent;
    this.standardOutput = standardOutput;
    this.uid = uid;
    this.gid = gid;
  }

  List<ServerServiceDefinition> all() {
    var all = new ArrayList<ServerServiceDefinition>();
    all.add(health());
    all.add(fileSync());
    all.add(new RegistryAuth().service());
    all.add(secrets());
    if (!lent.outputs().isEmpty()) {
      all.add(new OutputService(lent.outputs(), standardOutput, uid, gid).definition());
    }
    if (!lent.sshAgents().isEmpty()) {
      all.add(ssh());
    }
    if (!lent.contentFolders().isEmpty()) {
      var stores = new HashMap<String, ContentFolder>();
      var byFolder = new HashMap<Path, ContentFolder>();
      lent.contentFolders()
          .forEach(
              (id, path) -> stores.put(id, byFolder.computeIfAbsent(path, ContentFolder::new)));
      all.add(new ContentService(stores).definition());
    }
    return all;
  }

  static <Q extends Message, R extends Message> MethodDescriptor<Q, R> method(
      MethodDescriptor.MethodType type, String service, String name, Q request, R response) {
    return MethodDescriptor.<Q, R>newBuilder()
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName(service, name))
        .setRequestMarshaller(ProtoUtils.marshaller(request))
        .setResponseMarshaller(ProtoUtils.marshaller(response))
        .build();
  }

  /** What a unary method answers. */
  @FunctionalInterface
  interface Answer<Q, R> {
    R to(Q request) throws IOException, InterruptedException;
  }

  static <Q, R> io.grpc.ServerCallHandler<Q, R> unary(Answer<Q, R> answer) {
    return ServerDuplex.handler((headers, call) ->
        call.send(
            answer.to(
                call.receive().orElseThrow(() -> new BuildException(Kind.INVALID, "no request")))));
  }

  private static ServerServiceDefinition health() {
    var check =
        method(
            MethodDescriptor.MethodType.UNARY,
            "grpc.health.v1.Health",
            "Check",
            HealthCheckRequest.getDefaultInstance(),
            HealthCheckResponse.getDefaultInstance());
    return ServerServiceDefinition.builder("grpc.health.v1.Health")
        .addMethod(
            check,
            unary(request ->
                HealthCheckResponse.newBuilder()
                    .setStatus(HealthCheckResponse.ServingStatus.SERVING)
                    .build()))
        .build();
  }

  private ServerServiceDefinition fileSync() {
    return ServerServiceDefinition.builder("moby.filesync.v1.FileSync")
        .addMethod(
            FileSync.DIFF_COPY,
            ServerDuplex.handler((headers, call) -> {
              String name = values(headers, "dir-name").stream().findFirst().orElse("");
              Path directory = lent.directories().get(name);
              if (directory == null) {
                throw FilteredTree.noAccess(name);
              }
              try (var tree =
                  new FilteredTree(
                      directory,
                      values(headers, "include-patterns"),
                      values(headers, "exclude-patterns"),
                      values(headers, "followpaths"),
                      Services::ownedByNobody)) {
                TreeSender.send(new PacketCall(call), tree, sent -> {});
              } catch (IOException e) {
                throw failed(flagOf(name) + " " + directory, e);
              }
            }))
        .build();
  }

  private static String flagOf(String directory) {
    return switch (directory) {
      case "context" -> "the context";
      case "dockerfile" -> "the Dockerfile's directory";
      default -> "--build-context " + directory + "=";
    };
  }

  /** A failure on this machine, which comes back as the build's: with the flag it belongs to. */
  static BuildException failed(String what, IOException e) {
    return new BuildException(BuildException.of(e).kind(), what + ": " + GivenFiles.reason(e), e);
  }

  // Who owns a file on this machine is no business of the image's.
  private static Optional<TreeEntry> ownedByNobody(TreeEntry entry) {
    return Optional.of(entry.ownedBy(0, 0));
  }

  /** A header's values, unescaped where the peer had to escape them. */
  static List<String> values(Metadata headers, String name) {
    Iterable<String> all = headers.getAll(key(name));
    if (all == null) {
      return List.of();
    }
    boolean encoded = "1".equals(headers.get(key(name + "-encoded")));
    var values = new ArrayList<String>();
    for (String value : all) {
      values.add(encoded ? URLDecoder.decode(value, StandardCharsets.UTF_8) : value);
    }
    return values;
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  private ServerServiceDefinition secrets() {
    var get =
        method(
            MethodDescriptor.MethodType.UNARY,
            "moby.buildkit.secrets.v1.Secrets",
            "GetSecret",
            GetSecretRequest.getDefaultInstance(),
            GetSecretResponse.getDefaultInstance());
    return ServerServiceDefinition.builder("moby.buildkit.secrets.v1.Secrets")
        .addMethod(
            get,
            unary(request ->
                GetSecretResponse.newBuilder()
                    .setData(ByteString.copyFrom(secret(request.getID())))
                    .build()))
        .build();
  }

  private byte[] secret(String id) throws IOException {
    Lent.SecretSource source = lent.secrets().get(id);
    if (source == null) {
      throw new BuildException(Kind.NOT_FOUND, "secret " + id + ": not found");
    }
    return switch (source) {
      case Lent.SecretSource.InFile(Path path) -> {
        try {
          yield Files.readAllBytes(path);
        } catch (IOException e) {
          throw failed("--secret id=" + id + ",src=" + path, e);
        }
      }
      case Lent.SecretSource.InEnvironment(String variable) ->
          System.getenv().getOrDefault(variable, "").getBytes(StandardCharsets.UTF_8);
    };
  }

  private ServerServiceDefinition ssh() {
    String service = "moby.sshforward.v1.SSH";
    var check =
        method(
            MethodDescriptor.MethodType.UNARY,
            service,
            "CheckAgent",
            CheckAgentRequest.getDefaultInstance(),
            CheckAgentResponse.getDefaultInstance());
    var forward =
        method(
            MethodDescriptor.MethodType.BIDI_STREAMING,
            service,
            "ForwardAgent",
            dev.kiln.grpc.session.sshforward.BytesMessage.getDefaultInstance(),
            dev.kiln.grpc.session.sshforward.BytesMessage.getDefaultInstance());
    return ServerServiceDefinition.builder(service)
        .addMethod(
            check,
            unary(request -> {
              agent(request.getID());
              return CheckAgentResponse.getDefaultInstance();
            }))
        .addMethod(
            forward,
            ServerDuplex.handler((headers, call) -> {
              String id = values(headers, "buildkit.ssh.id").stream().findFirst().orElse("");
              forward(agent(id), call);
            }))
        .build();
  }

  private Path agent(String id) {
    String name = id.isEmpty() ? "default" : id;
    Path socket = lent.sshAgents().get(name);
    if (socket == null) {
      throw new BuildException(Kind.UNKNOWN, "unset ssh forward key " + name);
    }
    return socket;
  }

  private static void forward(
      Path socket,
      Duplex<
              dev.kiln.grpc.session.sshforward.BytesMessage,
              dev.kiln.grpc.session.sshforward.BytesMessage>
          call)
      throws IOException, InterruptedException {
    try (var agent = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      try {
        agent.connect(UnixDomainSocketAddress.of(socket));
      } catch (IOException e) {
        throw failed("--ssh: the agent at " + socket, e);
      }
      var requests =
          Blocking.start(
              "ssh-requests",
              () -> {
                for (var next = call.receive(); next.isPresent(); next = call.receive()) {
                  ByteBuffer bytes = next.get().getData().asReadOnlyByteBuffer();
                  while (bytes.hasRemaining()) {
                    agent.write(bytes);
                  }
                }
                agent.shutdownOutput();
                return true;
              });
      var buffer = ByteBuffer.allocate(SSH_BUFFER_BYTES);
      while (agent.read(buffer) >= 0) {
        buffer.flip();
        call.send(
            dev.kiln.grpc.session.sshforward.BytesMessage.newBuilder()
                .setData(ByteString.copyFrom(buffer))
                .build());
        buffer.clear();
      }
      requests.done().toCompletableFuture().get();
    } catch (ExecutionException e) {
      throw BuildException.of(e);
    }
  }
}
