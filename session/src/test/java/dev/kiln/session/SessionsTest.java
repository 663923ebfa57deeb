package dev.kiln.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.content.ReadContentRequest;
import dev.kiln.grpc.content.ReadContentResponse;
import dev.kiln.grpc.content.WriteContentRequest;
import dev.kiln.grpc.content.WriteContentResponse;
import dev.kiln.grpc.session.secrets.GetSecretRequest;
import dev.kiln.grpc.session.secrets.GetSecretResponse;
import dev.kiln.grpc.session.upload.BytesMessage;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.session.tree.DirectoryTree;
import dev.kiln.session.tree.Packet;
import dev.kiln.session.tree.ReceiveOptions;
import dev.kiln.session.tree.TreeReceiver;
import dev.kiln.session.tree.TreeSender;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class SessionsTest {
  private static final Duration WAIT = Duration.ofSeconds(5);
  private static final MethodDescriptor<GetSecretRequest, GetSecretResponse> GET_SECRET =
      Calls.unary(
          "moby.buildkit.secrets.v1.Secrets",
          "GetSecret",
          GetSecretRequest.getDefaultInstance(),
          GetSecretResponse.getDefaultInstance());

  private static final String CONTENT = "containerd.services.content.v1.Content";
  private static final MethodDescriptor<ReadContentRequest, ReadContentResponse> READ =
      Calls.serverStreaming(
          CONTENT,
          "Read",
          ReadContentRequest.getDefaultInstance(),
          ReadContentResponse.getDefaultInstance());

  private final Sessions sessions = new Sessions();
  private final ConcurrentLinkedQueue<TestClient> clients = new ConcurrentLinkedQueue<>();

  @TempDir Path temp;

  @AfterEach
  void closeAll() {
    clients.forEach(TestClient::close);
    sessions.close();
  }

  private ClientSession connect(String id, ServerServiceDefinition... services) throws Exception {
    clients.add(new TestClient(sessions, id, List.of(services)));
    return sessions.get(id, WAIT);
  }

  private static ServerServiceDefinition secrets(Map<String, String> values) {
    return service(
        "moby.buildkit.secrets.v1.Secrets",
        GET_SECRET,
        (headers, call) -> {
          String id = call.receive().orElseThrow().getID();
          String value = values.get(id);
          if (value == null) {
            throw new BuildException(Kind.NOT_FOUND, "no " + id)
                .with(new Detail.Opaque("example.com/detail+json", new byte[] {'{', '}'}));
          }
          call.send(GetSecretResponse.newBuilder().setData(ByteString.copyFromUtf8(value)).build());
        });
  }

  private static <Q, R> ServerServiceDefinition service(
      String name, MethodDescriptor<Q, R> method, ServerDuplex.Body<Q, R> body) {
    return ServerServiceDefinition.builder(name)
        .addMethod(method, ServerDuplex.handler(body))
        .build();
  }

  @Test
  void secretComesThroughTheTunnel() throws Exception {
    ClientSession session = connect("one", secrets(Map.of("token", "s3cret")));
    assertThat(Secrets.get(session, "token")).asString(StandardCharsets.UTF_8).isEqualTo("s3cret");
  }

  @Test
  void detailsOfAPeersFailureStay() throws Exception {
    ClientSession session = connect("one", secrets(Map.of()));
    assertThatThrownBy(
            () -> Calls.call(session, GET_SECRET, GetSecretRequest.newBuilder().setID("x").build()))
        .isInstanceOfSatisfying(
            BuildException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND);
              assertThat(e.details())
                  .anySatisfy(d ->
                      assertThat(d)
                          .isInstanceOfSatisfying(
                              Detail.Opaque.class,
                              o -> assertThat(o.typeUrl()).isEqualTo("example.com/detail+json")));
            });
  }

  @Test
  void groupAsksTheNextSessionWhenOneFails() throws Exception {
    connect("one", secrets(Map.of()));
    connect("two", secrets(Map.of("token", "two's")));
    assertThat(Secrets.get(sessions.group(List.of("one", "two")), "token"))
        .asString(StandardCharsets.UTF_8)
        .isEqualTo("two's");
  }

  @Test
  void aSessionThatCameWhileAnotherWasAskedIsAskedToo() throws Exception {
    connect("one", secrets(Map.of()));
    connect("two", secrets(Map.of()));
    var members = new ArrayList<>(List.of("one"));
    SessionGroup group = sessions.group(() -> List.copyOf(members));
    String answer =
        group.any(session -> {
          if (members.size() == 1) {
            members.add("two");
            throw new BuildException(Kind.UNAVAILABLE, "the first one is gone");
          }
          return "of the second";
        });
    assertThat(answer).isEqualTo("of the second");
  }

  @Test
  void missingSecretSaysItsId() throws Exception {
    connect("one", secrets(Map.of()));
    assertThatThrownBy(() -> Secrets.get(sessions.group(List.of("one")), "token"))
        .isInstanceOf(BuildException.class)
        .hasMessage("secret token: not found");
  }

  @Test
  void emptyGroupHasNoAnswer() {
    assertThatThrownBy(() -> sessions.group(List.of()).any(s -> ""))
        .isInstanceOf(BuildException.class)
        .hasMessage("no active sessions");
  }

  @Test
  void getWaitsForAClientThatIsAboutToConnect() throws Exception {
    var found = dev.kiln.tracing.Blocking.start("wait", () -> sessions.get("prefix:late", WAIT));
    ClientSession session = connect("late", secrets(Map.of()));
    assertThat(found.done().toCompletableFuture().get(5, TimeUnit.SECONDS)).isSameAs(session);
  }

  @Test
  void unknownSessionIsADeadline() {
    assertThatThrownBy(() -> sessions.get("nobody", Duration.ofMillis(20)))
        .isInstanceOf(BuildException.class)
        .hasMessageStartingWith("no active session for nobody");
  }

  @Test
  void newSessionReplacesOneOfTheSameId() throws Exception {
    ClientSession first = connect("same", secrets(Map.of()));
    clients.add(new TestClient(sessions, "same", List.of(secrets(Map.of()))));
    first.done().toCompletableFuture().get(5, TimeUnit.SECONDS);
    assertThat(sessions.get("same", WAIT)).isNotSameAs(first);
  }

  @RepeatedTest(20) // the call may meet the channel at any point of its end
  void sessionEndsWithItsClient() throws Exception {
    ClientSession session = connect("one", secrets(Map.of("token", "x")));
    Secrets.get(session, "token");
    clients.forEach(TestClient::close);
    session.done().toCompletableFuture().get(5, TimeUnit.SECONDS);
    assertThat(sessions.find("one")).isEmpty();
    assertThatThrownBy(() -> Secrets.get(session, "token"))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE));
  }

  @Test
  void methodsMatchInAnyCase() {
    var metadata =
        SessionMetadata.of(
            Map.of(
                "X-Docker-Expose-Session-Uuid", List.of("id"),
                "x-docker-expose-session-grpc-method", List.of("/moby.A/Get", "/moby.B/Put")));
    var session = new ClientSession(metadata, new NoChannel(), () -> {});
    assertThat(session.supports("/Moby.a/get")).isTrue();
    assertThat(session.supports("/moby.a/put")).isFalse();
  }

  private static final class NoChannel extends io.grpc.Channel {
    @Override
    public <Q, R> io.grpc.ClientCall<Q, R> newCall(
        MethodDescriptor<Q, R> method, io.grpc.CallOptions options) {
      throw new AssertionError("not called");
    }

    @Override
    public String authority() {
      return "none";
    }
  }

  @Test
  void uploadOfManyMegabytesArrivesInOrder() throws Exception {
    byte[] content = new byte[20_000_000];
    new java.util.Random(7).nextBytes(content);
    MethodDescriptor<BytesMessage, BytesMessage> pull =
        Calls.bidirectional(
            "moby.upload.v1.Upload",
            "Pull",
            BytesMessage.getDefaultInstance(),
            BytesMessage.getDefaultInstance());
    ClientSession session =
        connect(
            "one",
            service(
                "moby.upload.v1.Upload",
                pull,
                (headers, call) -> {
                  for (int at = 0; at < content.length; at += 100_000) {
                    call.send(
                        BytesMessage.newBuilder()
                            .setData(ByteString.copyFrom(content, at, 100_000))
                            .build());
                  }
                }));
    var out = new ByteArrayOutputStream();
    long bytes = Upload.pull(session, URI.create("http://buildkit-session/abc"), out);
    assertThat(bytes).isEqualTo(content.length);
    assertThat(Digest.of(out.toByteArray())).isEqualTo(Digest.of(content));
  }

  @Test
  void slowReaderStopsTheSender() throws Exception {
    var sent = new java.util.concurrent.atomic.AtomicInteger();
    var full = new CompletableFuture<Integer>();
    MethodDescriptor<BytesMessage, BytesMessage> pull =
        Calls.bidirectional(
            "moby.upload.v1.Upload",
            "Pull",
            BytesMessage.getDefaultInstance(),
            BytesMessage.getDefaultInstance());
    ClientSession session =
        connect(
            "one",
            service(
                "moby.upload.v1.Upload",
                pull,
                (headers, call) -> {
                  var message =
                      BytesMessage.newBuilder()
                          .setData(ByteString.copyFrom(new byte[1 << 16]))
                          .build();
                  for (int i = 0; i < 4000; i++) { // 250 MiB
                    call.send(message);
                    sent.incrementAndGet();
                  }
                }));
    try (var call = Calls.open(session, pull, Map.of())) {
      call.receive();
      full.completeOnTimeout(0, 2, TimeUnit.SECONDS).get();
      int once = sent.get();
      assertThat(once).isLessThan(2000);
    }
  }

  @Test
  void directoryIsSyncedThroughTheTunnel() throws Exception {
    Path source = Files.createDirectory(temp.resolve("source"));
    Path destination = Files.createDirectory(temp.resolve("destination"));
    for (int i = 0; i < 500; i++) {
      Files.writeString(source.resolve("f" + i), "content " + i);
    }
    var headers = new CompletableFuture<Metadata>();
    ClientSession session =
        connect(
            "one",
            service(
                "moby.filesync.v1.FileSync",
                FileSync.DIFF_COPY,
                (metadata, call) -> {
                  headers.complete(metadata);
                  try (var tree = new DirectoryTree(source)) {
                    TreeSender.send(new PacketCall(call), tree, b -> {});
                  }
                }));
    var request =
        new FileSync.Request("context", List.of("a", "b"), List.of("über", "*"), List.of());

    FileSync.receive(session, request, destination, ReceiveOptions.MIRROR);

    assertThat(destination.resolve("f499")).hasContent("content 499");
    Metadata got = headers.get();
    assertThat(got.getAll(key("include-patterns"))).containsExactly("a", "b");
    assertThat(got.getAll(key("exclude-patterns"))).containsExactly("%C3%BCber", "%2A");
    assertThat(got.get(key("exclude-patterns-encoded"))).isEqualTo("1");
    assertThat(got.get(key("dir-name"))).isEqualTo("context");
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  @Test
  void treeIsSentToTheClient() throws Exception {
    Path source = Files.createDirectory(temp.resolve("source"));
    Path destination = Files.createDirectory(temp.resolve("destination"));
    Files.writeString(source.resolve("result"), "42");
    var exporter = new CompletableFuture<String>();
    ClientSession session =
        connect(
            "one",
            service(
                "moby.filesync.v1.FileSend",
                FileSend.TREE,
                (metadata, call) -> {
                  exporter.complete(String.valueOf(metadata.get(key(FileSend.EXPORTER_ID))));
                  TreeReceiver.receive(new PacketCall(call), destination, ReceiveOptions.MERGE);
                }));
    try (var tree = new DirectoryTree(source)) {
      FileSend.tree(session, 3, tree, b -> {});
    }
    assertThat(destination.resolve("result")).hasContent("42");
    assertThat(exporter.get()).isEqualTo("3");
  }

  @Test
  void fileIsSentWithItsMetadata() throws Exception {
    var received = new CompletableFuture<String>();
    var name = new CompletableFuture<String>();
    ClientSession session =
        connect(
            "one",
            service(
                "moby.filesync.v1.FileSend",
                FileSend.FILE,
                (metadata, call) -> {
                  name.complete(String.valueOf(metadata.get(key("exporter-md-image.name"))));
                  var all = new ByteArrayOutputStream();
                  for (var m = call.receive(); m.isPresent(); m = call.receive()) {
                    m.get().getData().writeTo(all);
                  }
                  received.complete(all.toString(StandardCharsets.UTF_8));
                }));
    try (var file = FileSend.file(session, 0, Map.of("image.name", "x:1"))) {
      file.write("hello ".getBytes(StandardCharsets.UTF_8));
      file.write(new byte[100_000]);
      file.write('!');
    }
    assertThat(received.get()).startsWith("hello ").endsWith("!").hasSize(100_007);
    assertThat(name.get()).isEqualTo("x:1");
  }

  @Test
  void blobIsReadFromTheStoreOfItsId() throws Exception {
    var store = new CompletableFuture<String>();
    ClientSession session =
        connect(
            "one",
            service(
                CONTENT,
                READ,
                (metadata, call) -> {
                  store.complete(String.valueOf(metadata.get(key("buildkit-attachable-store-id"))));
                  long offset = call.receive().orElseThrow().getOffset();
                  for (String part : List.of("some ", "", "bytes from " + offset)) {
                    call.send(
                        ReadContentResponse.newBuilder()
                            .setData(ByteString.copyFromUtf8(part))
                            .build());
                  }
                }));
    try (var in = new SessionContent(session, "oci:x").read(Digest.of("x"), 7)) {
      assertThat(in.readAllBytes()).asString(StandardCharsets.UTF_8).isEqualTo("some bytes from 7");
    }
    assertThat(store.get()).isEqualTo("oci:x");
  }

  @Test
  void whatOthersMayWaitForHasAnEnd() throws Exception {
    ServerDuplex.Body<ReadContentRequest, ReadContentResponse> emptyParts =
        (_, call) -> {
          for (; ; Thread.sleep(1)) {
            call.send(ReadContentResponse.getDefaultInstance());
          }
        };
    ClientSession connected =
        connect(
            "one",
            service("moby.buildkit.secrets.v1.Secrets", GET_SECRET, (_, _) -> silence()),
            service(CONTENT, READ, emptyParts));
    var hurried =
        new ClientSession(
            connected.metadata(), connected.channel(), () -> {}, Duration.ofMillis(200));
    assertThatThrownBy(() -> Secrets.get(hurried, "token"))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DEADLINE));
    try (var in = new SessionContent(hurried, "oci:x").read(Digest.of("x"), 0)) {
      assertThatThrownBy(in::read)
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DEADLINE));
    }
  }

  private static void silence() throws InterruptedException {
    Thread.sleep(Long.MAX_VALUE);
  }

  @Test
  void aClientThatCancelsWhatItIsAskedForIsNotTheDaemonThatGaveItUp() throws Exception {
    ClientSession session =
        connect(
            "one",
            service(
                "moby.buildkit.secrets.v1.Secrets",
                GET_SECRET,
                (_, _) -> {
                  throw new BuildException(Kind.CANCELED, "context canceled");
                }));
    assertThatThrownBy(() -> Secrets.get(session, "token"))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNKNOWN));
    try (var call = Calls.open(session, GET_SECRET, Map.of())) {
      call.send(GetSecretRequest.getDefaultInstance());
      assertThatThrownBy(call::receive)
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNKNOWN));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 4, Long.MAX_VALUE})
  void aStoreThatHasMoreThanThereIsIsRefused(long offset) throws Exception {
    var write =
        Calls.bidirectional(
            CONTENT,
            "Write",
            WriteContentRequest.getDefaultInstance(),
            WriteContentResponse.getDefaultInstance());
    ClientSession session =
        connect(
            "one",
            service(
                CONTENT,
                write,
                (_, call) -> {
                  while (call.receive().isPresent()) {
                    call.send(WriteContentResponse.newBuilder().setOffset(offset).build());
                  }
                }));
    byte[] blob = {1, 2, 3};
    assertThatThrownBy(() ->
            new SessionContent(session, "oci:x")
                .put(Digest.of(blob), blob.length, () -> new ByteArrayInputStream(blob)))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("the client's store has " + offset + " of the 3 bytes");
  }

  @Test
  void clientThatHasTheFileIsNoFailure() throws Exception {
    ClientSession session =
        connect(
            "one",
            service(
                "moby.filesync.v1.FileSend",
                FileSend.FILE,
                (metadata, call) -> {
                  throw new BuildException(Kind.ALREADY_EXISTS, "target already exists");
                }));
    try (var file = FileSend.file(session, 0, Map.of())) {
      for (int i = 0; i < 100; i++) {
        file.write(new byte[1 << 17]);
      }
      file.close();
      assertThat(file.declined()).isTrue();
    }
  }

  @Test
  void missingServiceIsUnsupported() throws Exception {
    ClientSession session = connect("one", secrets(Map.of()));
    assertThatThrownBy(() ->
            FileSync.receive(
                session,
                new FileSync.Request("c", List.of(), List.of(), List.of()),
                temp,
                ReceiveOptions.MIRROR))
        .isInstanceOf(BuildException.class)
        .hasMessage("no local sources enabled");
    assertThat(new ClientAuth().credentials(session, "example.com").isAnonymous()).isTrue();
    assertThat(new ClientAuth().tokenAuthority(sessions.group(List.of("one")), "example.com"))
        .isEmpty();
    assertThat(SessionExporters.find(session, Map.of(), List.of())).isEmpty();
  }

  @Test
  void sshAgentIsReachedThroughASocketThatGoesWithIt() throws Exception {
    MethodDescriptor<
            dev.kiln.grpc.session.sshforward.BytesMessage,
            dev.kiln.grpc.session.sshforward.BytesMessage>
        forward =
            Calls.bidirectional(
                "moby.sshforward.v1.SSH",
                "ForwardAgent",
                dev.kiln.grpc.session.sshforward.BytesMessage.getDefaultInstance(),
                dev.kiln.grpc.session.sshforward.BytesMessage.getDefaultInstance());
    ClientSession session =
        connect(
            "one",
            service(
                "moby.sshforward.v1.SSH",
                forward,
                (headers, call) -> {
                  for (var m = call.receive(); m.isPresent(); m = call.receive()) {
                    call.send(m.get()); // an echo is agent enough
                  }
                }));
    Path socket;
    try (var agent = SshAgent.open(session, "", new SshAgent.Owner(0, 0, 0600))) {
      socket = agent.socket();
      assertThat(Files.getPosixFilePermissions(socket)).hasSize(2);
      try (var connection = SocketChannel.open(StandardProtocolFamily.UNIX)) {
        connection.connect(UnixDomainSocketAddress.of(socket));
        connection.write(ByteBuffer.wrap("ping".getBytes(StandardCharsets.UTF_8)));
        connection.shutdownOutput();
        var answer = ByteBuffer.allocate(10);
        while (connection.read(answer) >= 0) {
          // until the agent has said all
        }
        assertThat(new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8))
            .isEqualTo("ping");
      }
    }
    assertThat(socket).doesNotExist();
    assertThat(socket.getParent()).doesNotExist();
  }

  @Test
  void healthChecksEndASessionAtTheSecondFailureInARow() {
    var verdict = new SessionHealth.Verdict();
    Duration quick = Duration.ofMillis(1);
    assertThat(verdict.after(false, quick)).isTrue();
    for (int i = 0; i < 5; i++) {
      assertThat(verdict.after(true, quick)).isTrue();
    }
    assertThat(verdict.after(false, Duration.ofSeconds(40))).isTrue();
    assertThat(verdict.patience()).isEqualTo(Duration.ofSeconds(60));
    assertThat(verdict.after(true, quick)).isTrue();
    assertThat(verdict.patience()).isEqualTo(Duration.ofSeconds(30));
    assertThat(verdict.after(false, quick)).isFalse();
  }

  @Test
  void signedMessageIsProofOfTheKey() {
    // RFC 8032, 7.1, test 2.
    var hex = java.util.HexFormat.of();
    byte[] seed = hex.parseHex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    byte[] key = hex.parseHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    byte[] signed = SignedMessages.sign(seed, new byte[] {0x72});
    assertThat(SignedMessages.verify(key, signed, new byte[] {0x72})).isTrue();
    assertThat(SignedMessages.verify(key, signed, new byte[] {0x73})).isFalse();
    key[3]++;
    assertThat(SignedMessages.verify(key, signed, new byte[] {0x72})).isFalse();
  }

  @Test
  void packetsAreTheWiresOwn() throws Exception {
    // Bytes as protobuf's own classes write them.
    var stat =
        dev.kiln.grpc.fsutil.Stat.newBuilder()
            .setPath("a/b")
            .setMode(0x800001ed)
            .setUid(3)
            .setGid(4)
            .setSize(5)
            .setModTime(-6)
            .setLinkname("l")
            .setDevmajor(7)
            .setDevminor(8)
            .putXattrs("user.x", ByteString.copyFromUtf8("v"))
            .build();
    var packet = dev.kiln.grpc.fsutil.Packet.newBuilder().setStat(stat).build();
    Packet ours = Packet.MARSHALLER.parse(packet.toByteString().newInput());
    assertThat(Packet.MARSHALLER.stream(ours).readAllBytes()).isEqualTo(packet.toByteArray());
    var data =
        dev.kiln.grpc.fsutil.Packet.newBuilder()
            .setType(dev.kiln.grpc.fsutil.Packet.PacketType.PACKET_DATA)
            .setID(300)
            .setData(ByteString.copyFromUtf8("abc"))
            .build();
    Packet ourData = Packet.MARSHALLER.parse(data.toByteString().newInput());
    assertThat(Packet.MARSHALLER.stream(ourData).readAllBytes()).isEqualTo(data.toByteArray());
    assertThat(Packet.MARSHALLER.parse(new java.io.ByteArrayInputStream(new byte[0])))
        .isEqualTo(new Packet.EndOfEntries());
  }
}
