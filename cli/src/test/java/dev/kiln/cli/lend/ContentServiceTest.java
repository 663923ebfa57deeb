package dev.kiln.cli.lend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.grpc.content.ReadContentRequest;
import dev.kiln.grpc.content.ReadContentResponse;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.session.ClientSession;
import dev.kiln.session.SessionContent;
import dev.kiln.session.SessionMetadata;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The folder that a client lends, by the daemon's own calls. */
class ContentServiceTest {
  private static final byte[] BYTES = "a blob\n".repeat(300_000).getBytes(StandardCharsets.UTF_8);
  private static final Digest DIGEST = Digest.of(BYTES);

  @TempDir Path temp;
  private Path folder;
  private Server server;
  private ManagedChannel channel;
  private SessionContent store;

  @BeforeEach
  void serve() throws Exception {
    folder = temp.resolve("cache");
    var lent = new Lent(Map.of(), List.of(), Map.of(), Map.of(), Map.of("local:cache", folder));
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addServices(new Services(lent, System.out, 0, 0).all())
            .build()
            .start();
    channel = NettyChannelBuilder.forAddress("localhost", server.getPort()).usePlaintext().build();
    store = store("local:cache");
  }

  private SessionContent store(String id) {
    var metadata = new SessionMetadata("id", "", "", Set.of());
    return new SessionContent(new ClientSession(metadata, channel, () -> {}), id);
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  private void put() throws Exception {
    store.put(DIGEST, BYTES.length, () -> new ByteArrayInputStream(BYTES));
  }

  private Path blob() {
    return folder.resolve("blobs/sha256").resolve(DIGEST.hex());
  }

  @Test
  void aBlobComesAndIsReadBack() throws Exception {
    assertThat(store.find(DIGEST)).isEmpty();
    put();
    put();
    assertThat(blob()).hasBinaryContent(BYTES);
    assertThat(store.find(DIGEST).orElseThrow().sizeBytes()).isEqualTo(BYTES.length);
    try (var in = store.read(DIGEST, 5)) {
      assertThat(in.readAllBytes()).hasSize(BYTES.length - 5).endsWith("blob\n".getBytes());
    }
    assertThat(folder.resolve("ingest")).isEmptyDirectory();
  }

  @Test
  void aWriteThatWasCutOffGoesOn() throws Exception {
    try (var writer = store.write("ref", DIGEST, BYTES.length).orElseThrow()) {
      writer.write(BYTES, 0, 1000);
    }
    assertThat(blob()).doesNotExist();
    try (var writer = onceFree("ref")) {
      assertThat(writer.offset()).isEqualTo(1000);
      writer.write(BYTES, 1000, BYTES.length - 1000);
      writer.commit(Map.of());
    }
    assertThat(blob()).hasBinaryContent(BYTES);
  }

  /** A writer, as soon as the service has seen that the one before is gone. */
  private SessionContent.Writer onceFree(String ref) throws Exception {
    long end = System.nanoTime() + java.util.concurrent.TimeUnit.SECONDS.toNanos(20);
    while (true) {
      try {
        return store.write(ref, DIGEST, BYTES.length).orElseThrow();
      } catch (BuildException e) {
        if (e.kind() != Kind.UNAVAILABLE || System.nanoTime() > end) {
          throw e;
        }
      }
    }
  }

  @Test
  void anotherBlobThanTheExpectedOneIsRefusedAndForgotten() throws Exception {
    byte[] other = BYTES.clone();
    other[7] = 'x';
    assertThatThrownBy(() -> store.put(DIGEST, BYTES.length, () -> new ByteArrayInputStream(other)))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("unexpected commit digest");
    assertThat(blob()).doesNotExist();
    try (var writer = store.write("short", DIGEST, BYTES.length).orElseThrow()) {
      writer.write(BYTES, 0, 10);
      assertThatThrownBy(() -> writer.commit(Map.of())).hasMessageContaining("commit size");
    }
    put();
    assertThat(blob()).hasBinaryContent(BYTES);
  }

  @Test
  void writersOfOneNameExcludeEachOther() throws Exception {
    try (var writer = store.write("ref", DIGEST, BYTES.length).orElseThrow()) {
      assertThat(writer.offset()).isZero();
      assertThatThrownBy(() -> store.write("ref", DIGEST, BYTES.length))
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE));
    }
  }

  @Test
  void anAbortedWriteBeginsAnew() throws Exception {
    var writer = store.write("ref", DIGEST, BYTES.length).orElseThrow();
    writer.write(BYTES, 0, 1000);
    writer.abort();
    assertThat(folder.resolve("ingest")).isEmptyDirectory();
    assertThatThrownBy(writer::abort).hasMessageContaining("not found");
  }

  @Test
  void onlyTheFoldersThatWereNamedAreLent() {
    assertThatThrownBy(() -> store("local:/etc").find(DIGEST).orElseThrow()).isNotNull();
    assertThatThrownBy(() -> store("local:/etc").write("ref", DIGEST, 1))
        .hasMessageContaining("unknown store");
  }

  /** As containerd's reader asks, which does not know where a blob ends. */
  @Test
  void aReadMayHaveRoomForMoreThanThereIs() throws Exception {
    put();
    var headers = new io.grpc.Metadata();
    headers.put(
        io.grpc.Metadata.Key.of(
            "buildkit-attachable-store-id", io.grpc.Metadata.ASCII_STRING_MARSHALLER),
        "local:cache");
    var method =
        Services.method(
            io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING,
            "containerd.services.content.v1.Content",
            "Read",
            ReadContentRequest.getDefaultInstance(),
            ReadContentResponse.getDefaultInstance());
    var parts =
        ClientCalls.blockingServerStreamingCall(
            ClientInterceptors.intercept(
                channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
            method,
            CallOptions.DEFAULT,
            ReadContentRequest.newBuilder()
                .setDigest(DIGEST.value())
                .setOffset(BYTES.length - 5L)
                .setSize(Long.MAX_VALUE)
                .build());
    assertThat(parts.next().getData().toStringUtf8()).isEqualTo("blob\n");
    assertThat(parts).isExhausted();
  }

  @Test
  void readingPastTheEndIsRefused() throws Exception {
    Files.createDirectories(blob().getParent());
    Files.write(blob(), BYTES);
    try (var in = store.read(DIGEST, BYTES.length + 1L)) {
      assertThatThrownBy(in::readAllBytes).hasMessageContaining("past the end");
    }
  }
}
