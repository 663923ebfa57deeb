package dev.kiln.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.OpMetadata;
import dev.kiln.grpc.pb.SourceOp;
import dev.kiln.model.Digest;
import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Collector;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.NothingIsLeft;
import dev.kiln.tests.support.Solves;
import dev.kiln.tests.support.WireClient;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * What makes no sense is refused in words, by the code that BuildKit's clients know it by ({@code
 * UNKNOWN} for most, features V-82), and leaves nothing behind.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadInputTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  static Path dir;

  @RegisterExtension final NothingIsLeft watch = new NothingIsLeft();

  private Distribution daemon;
  private WireClient wire;

  @BeforeAll
  void start() throws Exception {
    daemon = watch.start(dir);
    wire = new WireClient(daemon);
    solve(dockerfile("FROM scratch\n")); // what is loaded once is loaded
  }

  @AfterAll
  void stop() throws Exception {
    wire.close();
    daemon.closeClean();
  }

  private SolveResponse solve(SolveRequest.Builder request) {
    return wire.call(
        "moby.buildkit.v1.Control/Solve",
        request.setRef(UUID.randomUUID().toString()).build(),
        SolveRequest.getDefaultInstance(),
        SolveResponse.getDefaultInstance());
  }

  private void refused(SolveRequest.Builder request, Code code, String... words) {
    assertThatThrownBy(() -> solve(request))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getDescription()).contains(words);
              assertThat(e.getStatus().getCode()).as(e.getMessage()).isEqualTo(code);
            });
  }

  private static SolveRequest.Builder llb(Definition.Builder definition) {
    return SolveRequest.newBuilder().setDefinition(definition);
  }

  /** A Dockerfile that comes as a frontend's input, so that no session is needed. */
  private static SolveRequest.Builder dockerfile(String text) {
    Definition given = Solves.definition(Solves.file("/Dockerfile", text)).build();
    return SolveRequest.newBuilder()
        .setFrontend("dockerfile.v0")
        .putFrontendInputs("dockerfile", given)
        .putFrontendInputs("context", given);
  }

  @Test
  void bytesThatAreNoOp() {
    refused(
        llb(
            Definition.newBuilder()
                .addDef(ByteString.copyFromUtf8("\u00ff no op"))
                .addDef(ByteString.copyFromUtf8("\u00ff"))),
        Code.UNKNOWN,
        "failed to load LLB",
        "failed to parse llb proto op");
  }

  @Test
  void anOpOfNoKnownKind() {
    Op unknown = Op.newBuilder().setConstraints(Op.newBuilder().getConstraintsBuilder()).build();
    refused(llb(Solves.definition(unknown)), Code.UNKNOWN, "failed to load LLB");
  }

  @Test
  void aSourceOfNoKnownScheme() {
    Op unknown =
        Op.newBuilder().setSource(SourceOp.newBuilder().setIdentifier("gopher://a")).build();
    refused(llb(Solves.definition(unknown)), Code.UNKNOWN, "unknown scheme gopher: not found");
  }

  @Test
  void aCapabilityThatTheDaemonLacks() {
    Op op = Solves.file("/a", "a");
    var metadata = OpMetadata.newBuilder().putCaps("exec.timetravel", true).build();
    refused(
        llb(Solves.definition(op).putMetadata(Digest.of(op.toByteArray()).value(), metadata)),
        Code.UNIMPLEMENTED,
        "exec.timetravel");
  }

  @Test
  void anInputThatIsNotThere() {
    Op op =
        Solves.file("/a", "a").toBuilder()
            .addInputs(Input.newBuilder().setDigest(Digest.of("nobody's").value()))
            .build();
    refused(llb(Solves.definition(op)), Code.UNKNOWN, "failed to load LLB", "missing input");
  }

  @Test
  void stagesThatNeedEachOther() {
    refused(
        dockerfile(
            "FROM scratch AS a\nCOPY --from=b /x /\nFROM scratch AS b\nCOPY --from=a /x /\n"),
        Code.UNKNOWN,
        "circular dependency");
  }

  @Test
  void aDockerfileThatIsNone() {
    refused(
        dockerfile("FROM scratch\nDANCE\n"),
        Code.UNKNOWN,
        "dockerfile parse error on line 2",
        "unknown instruction: DANCE");
  }

  @Test
  void aFileThatIsNotThere() {
    refused(
        dockerfile("FROM scratch\nCOPY nothing /\n"),
        Code.UNKNOWN,
        "failed to compute cache key",
        "\"/nothing\": not found");
  }

  @Test
  void aRegistryThatNobodyReaches() throws Exception {
    int nobody = Collector.freePort();
    refused(
        dockerfile("FROM 127.0.0.1:" + nobody + "/a/b:c\n"),
        Code.UNKNOWN, // as buildkitd v0.22.0: another code would stand before the message
        "127.0.0.1:" + nobody + "/a/b:c",
        "connection refused");
  }

  @Test
  void aClientThatVanishesWhileItSends() throws Exception {
    Path context = Buildctl.context(dir.resolve("large"), Buildctl.BASE + "COPY large /\n");
    try (var large = new RandomAccessFile(context.resolve("large").toFile(), "rw")) {
      large.setLength(4L << 30);
    }
    Process client = Buildctl.of(daemon).build(context).start();
    try (var output = Clients.readTo(client, "transferring context: ")) {
      assertThat(client.toHandle().destroyForcibly()).isTrue();
      while (output.readLine() != null) {
        continue;
      }
    }
    assertThat(client.waitFor()).isNotZero();
    Files.delete(context.resolve("large"));
    Path small = Buildctl.context(dir.resolve("small"), Buildctl.BASE + "RUN echo alive\n");
    Run after = Distribution.await(Buildctl.of(daemon).build(small).start());
    assertThat(after.code()).as(after.output()).isZero();
  }
}
