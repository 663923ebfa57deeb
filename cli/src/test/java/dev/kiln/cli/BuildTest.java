package dev.kiln.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.control.BytesMessage;
import dev.kiln.grpc.control.InfoResponse;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.grpc.control.StatusResponse;
import dev.kiln.grpc.control.Vertex;
import dev.kiln.grpc.control.VertexLog;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code kiln build} against daemons that fail, die and lie. */
@Timeout(60)
class BuildTest {
  @TempDir Path temp;
  private final CompletableFuture<SolveRequest> asked = new CompletableFuture<>();
  private Optional<Server> server = Optional.empty();

  /** What a daemon does with a build. */
  private interface Daemon {
    void solve(SolveRequest request, StreamObserver<SolveResponse> answer) throws Exception;
  }

  @BeforeEach
  void context() throws Exception {
    Files.writeString(temp.resolve("Dockerfile"), "FROM scratch\n");
  }

  @AfterEach
  void stop() {
    server.ifPresent(Server::shutdownNow);
  }

  private void serve(Daemon daemon, List<StatusResponse> progress, boolean endless)
      throws Exception {
    var service =
        ServerServiceDefinition.builder("moby.buildkit.v1.Control")
            .addMethod(
                ControlMethods.INFO,
                ServerCalls.asyncUnaryCall((_, answer) -> {
                  answer.onNext(InfoResponse.getDefaultInstance());
                  answer.onCompleted();
                }))
            .addMethod(
                ControlMethods.SESSION, ServerCalls.asyncBidiStreamingCall(_ -> new Ignoring()))
            .addMethod(
                ControlMethods.STATUS,
                ServerCalls.asyncServerStreamingCall((_, answer) -> {
                  progress.forEach(answer::onNext);
                  if (!endless) {
                    answer.onCompleted();
                  }
                }))
            .addMethod(
                ControlMethods.SOLVE,
                ServerCalls.asyncUnaryCall((request, answer) -> {
                  asked.complete(request);
                  var _ =
                      Blocking.start(
                          "solve",
                          () -> {
                            daemon.solve(request, answer);
                            return true;
                          });
                }))
            .build();
    server =
        Optional.of(
            NettyServerBuilder.forAddress(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(service)
                .build()
                .start());
  }

  private static final class Ignoring implements StreamObserver<BytesMessage> {
    @Override
    public void onNext(BytesMessage message) {}

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }

  private static void succeed(StreamObserver<SolveResponse> answer) {
    answer.onNext(SolveResponse.getDefaultInstance());
    answer.onCompleted();
  }

  private record Run(int code, String said) {}

  private Run build(String... more) {
    var said = new ByteArrayOutputStream();
    PrintStream before = System.err;
    System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      var args = new ArrayList<>(List.of("build", temp.toString()));
      args.addAll(List.of("--addr", "tcp://localhost:" + server.orElseThrow().getPort()));
      args.addAll(List.of(more));
      int code = KilnCommand.run(args.toArray(String[]::new));
      return new Run(code, said.toString(StandardCharsets.UTF_8));
    } finally {
      System.setErr(before);
    }
  }

  private static StatusResponse step(String error) {
    var vertex = Vertex.newBuilder().setDigest("a").setName("a step");
    vertex.setStarted(com.google.protobuf.Timestamp.newBuilder().setSeconds(1));
    vertex.setCompleted(com.google.protobuf.Timestamp.newBuilder().setSeconds(2));
    return StatusResponse.newBuilder()
        .addVertexes(vertex.setError(error))
        .addLogs(
            VertexLog.newBuilder()
                .setVertex("a")
                .setStream(2)
                .setMsg(ByteString.copyFromUtf8("the reason, without a newline")))
        .build();
  }

  @Test
  void theErrorIsTheLastThatIsSaid() throws Exception {
    serve(
        (_, answer) ->
            answer.onError(
                GrpcErrors.toGrpc(new BuildException(Kind.UNKNOWN, "exit code: \u001b[2J7"))),
        List.of(step("exit code: 7")),
        false);
    for (String progress : List.of("plain", "tty", "quiet")) {
      Run run = build("--progress=" + progress);
      assertThat(run.code()).isEqualTo(1);
      assertThat(run.said())
          .contains(" > a step:\nthe reason, without a newline\n")
          .endsWith("error: failed to solve: exit code: 7\n");
    }
  }

  @Test
  void aDaemonThatDiesIsNamed() throws Exception {
    serve((_, _) -> server.orElseThrow().shutdownNow(), List.of(step("")), true);
    String address = "tcp://localhost:" + server.orElseThrow().getPort();
    Run run = build();
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.said().lines().toList().getLast())
        .startsWith("error: ")
        .contains("lost the daemon at " + address);
  }

  @Test
  void progressThatNeverEndsEndsWithTheBuild() throws Exception {
    serve((_, answer) -> succeed(answer), List.of(step("")), true);
    Run run = build();
    assertThat(run.code()).isZero();
    assertThat(run.said()).contains("the reason, without a newline");
  }

  @Test
  void aTagWithoutAnOutputIsAnsweredWithAWord() throws Exception {
    serve((_, answer) -> succeed(answer), List.of(), false);
    assertThat(build("-t", "user/app").said())
        .contains("the image user/app is in the daemon's cache alone")
        .contains("type=image,push=true");
    assertThat(build("-t", "a", "-o", "type=image").said()).doesNotContain("alone");
    assertThat(build("--progress=quiet").said()).isEmpty();
  }

  @Test
  void importsGoToTheDaemonAndToTheFrontend() throws Exception {
    serve((_, answer) -> succeed(answer), List.of(), false);
    Path cache = temp.resolve("none");
    Run run = build("--cache-from", "user/app:cache", "--cache-from", "type=local,src=" + cache);
    assertThat(run.said()).contains("kiln: --cache-from type=local: " + cache + " holds no cache");
    SolveRequest request = asked.get();
    assertThat(request.getCache().getImportsList()).hasSize(1);
    assertThat(request.getFrontendAttrsMap())
        .containsEntry(
            "cache-imports", "[{\"Attrs\":{\"ref\":\"user/app:cache\"},\"Type\":\"registry\"}]");
  }

  @Test
  void anInterruptEndsTheBuildInOrder() throws Exception {
    var entered = new CompletableFuture<Boolean>();
    serve((_, _) -> entered.complete(true), List.of(step("")), true);
    Thread builder = Thread.currentThread();
    var _ =
        Blocking.start(
            "interrupt",
            () -> {
              boolean seen = entered.get();
              builder.interrupt();
              return seen;
            });
    Run run = build();
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.said()).endsWith("error: canceled\n");
    assertThat(Thread.interrupted()).isFalse();
  }
}
