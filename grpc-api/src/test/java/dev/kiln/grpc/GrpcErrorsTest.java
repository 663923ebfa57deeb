package dev.kiln.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.ExecOp;
import dev.kiln.grpc.pb.ExportCache;
import dev.kiln.grpc.pb.FileActionMkFile;
import dev.kiln.grpc.pb.FileOp;
import dev.kiln.grpc.pb.Meta;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.OpMetadata;
import dev.kiln.grpc.pb.ProgressGroup;
import dev.kiln.grpc.pb.Source;
import dev.kiln.grpc.rpc.Status;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.SourceInfo;
import dev.kiln.model.SourceRange;
import io.grpc.InternalMetadata;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Golden texts were printed by BuildKit v0.22.0's own {@code grpcerrors.ToGRPC}. */
class GrpcErrorsTest {
  private static final String STACK = "github.com/moby/buildkit/stack.Stack+json";
  private static final Digest DIGEST = new Digest("sha256:" + "a".repeat(64));

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String golden(Detail detail) {
    Status status = GrpcErrors.toProto(new BuildException(Kind.UNKNOWN, "boom").with(detail));
    Any any = status.getDetails(1); // after the stack
    return any.getTypeUrl() + " " + any.getValue().toStringUtf8();
  }

  @Test
  void vertex() {
    assertThat(golden(new Detail.VertexFailed(DIGEST)))
        .isEqualTo(
            "github.com/moby/buildkit/errdefs.Vertex+json {\"digest\":\"sha256:"
                + "a".repeat(64)
                + "\"}");
  }

  @Test
  void exitCode() {
    assertThat(golden(new Detail.ProcessExited(7)))
        .isEqualTo("github.com/moby/buildkit/gatewayapi.ExitMessage+json {\"Code\":7}");
  }

  @Test
  void frontendCapAndSubrequest() {
    assertThat(golden(new Detail.FrontendFailed("dockerfile.v0", "")))
        .isEqualTo("github.com/moby/buildkit/errdefs.Frontend+json {\"name\":\"dockerfile.v0\"}");
    assertThat(golden(new Detail.FrontendCapMissing("c")))
        .isEqualTo("github.com/moby/buildkit/errdefs.FrontendCap+json {\"name\":\"c\"}");
    assertThat(golden(new Detail.SubrequestUnsupported("n")))
        .isEqualTo("github.com/moby/buildkit/errdefs.Subrequest+json {\"name\":\"n\"}");
  }

  @Test
  void sourceLocation() {
    var definition =
        Definition.newBuilder()
            .addDef(ByteString.copyFromUtf8("ab"))
            .putMetadata(
                "sha256:b",
                OpMetadata.newBuilder()
                    .setIgnoreCache(true)
                    .putDescription("b", "1")
                    .putDescription("a", "2")
                    .putCaps("x", true)
                    .setProgressGroup(ProgressGroup.newBuilder().setId("g"))
                    .build())
            .putMetadata(
                "sha256:a",
                OpMetadata.newBuilder().setExportCache(ExportCache.getDefaultInstance()).build())
            .setSource(Source.getDefaultInstance())
            .build();
    var info =
        new SourceInfo(
            "Docker<file>", bytes("FROM x\nRUN y"), definition.toByteArray(), "Dockerfile");
    assertThat(golden(new Detail.SourceLocation(info, List.of(new SourceRange(2, 0, 2, 3)))))
        .isEqualTo(
            "github.com/moby/buildkit/errdefs.Source+json {\"info\":{\"filename\":\"Docker\\u003cfile\\u003e\",\"data\":\"RlJPTSB4ClJVTiB5\",\"definition\":{\"def\":[\"YWI=\"],\"metadata\":{\"sha256:a\":{\"export_cache\":{}},\"sha256:b\":{\"ignore_cache\":true,\"description\":{\"a\":\"2\",\"b\":\"1\"},\"caps\":{\"x\":true},\"progress_group\":{\"id\":\"g\"}}},\"Source\":{}},\"language\":\"Dockerfile\"},\"ranges\":[{\"start\":{\"line\":2},\"end\":{\"line\":2,\"character\":3}}]}");
  }

  @Test
  void failedSolve() {
    var op =
        Op.newBuilder()
            .setFile(
                FileOp.newBuilder()
                    .addActions(
                        dev.kiln.grpc.pb.FileAction.newBuilder()
                            .setSecondaryInput(-1)
                            .setMkfile(
                                FileActionMkFile.newBuilder()
                                    .setPath("/a")
                                    .setMode(0644)
                                    .setData(ByteString.copyFromUtf8("hi"))
                                    .setTimestamp(-1))))
            .build();
    assertThat(
            golden(
                new Detail.SolveFailed(
                    List.of("i1"),
                    List.of("m1", ""),
                    op.toByteArray(),
                    0,
                    -1,
                    Map.of("llb.customname", "x"))))
        .isEqualTo(
            "github.com/moby/buildkit/errdefs.Solve+json {\"inputIDs\":[\"i1\"],\"mountIDs\":[\"m1\",\"\"],\"op\":{\"file\":{\"actions\":[{\"secondaryInput\":\"-1\",\"mkfile\":{\"path\":\"/a\",\"mode\":420,\"data\":\"aGk=\",\"timestamp\":\"-1\"}}]}},\"file\":{},\"description\":{\"llb.customname\":\"x\"}}");
  }

  @Test
  void theDetailAddedLastGoesFirst() {
    var failure =
        new BuildException(Kind.UNKNOWN, "boom")
            .with(new Detail.ProcessExited(7))
            .with(new Detail.VertexFailed(DIGEST));
    assertThat(GrpcErrors.toProto(failure).getDetailsList())
        .extracting(Any::getTypeUrl)
        .containsExactly(
            STACK,
            "github.com/moby/buildkit/errdefs.Vertex+json",
            "github.com/moby/buildkit/gatewayapi.ExitMessage+json");
  }

  @Test
  void theStackIsThatOfTheInnermostCause() {
    var first = new IllegalStateException("first");
    first.setStackTrace(
        new StackTraceElement[] {
          new StackTraceElement("dev.kiln.A", "run", "A.java", 7),
          new StackTraceElement("dev.kiln.B", "lambda", null, -2)
        });
    var failure = new BuildException(Kind.INTERNAL, "why", first).wrap("while");
    Any any = GrpcErrors.toProto(failure).getDetails(0);
    assertThat(any.getTypeUrl()).isEqualTo(STACK);
    assertThat(any.getValue().toStringUtf8())
        .isEqualTo(
            "{\"frames\":[{\"Name\":\"dev.kiln.A.run\",\"File\":\"A.java\",\"Line\":7},"
                + "{\"Name\":\"dev.kiln.B.lambda\"}],\"cmdline\":[\"kiln\"],\"pid\":"
                + ProcessHandle.current().pid()
                + "}");
  }

  @ParameterizedTest
  @CsvSource({
    "INVALID,UNKNOWN",
    "NOT_FOUND,NOT_FOUND",
    "ALREADY_EXISTS,ALREADY_EXISTS",
    "UNSUPPORTED,UNIMPLEMENTED",
    "DENIED,UNKNOWN",
    "EXHAUSTED,RESOURCE_EXHAUSTED",
    "UNAVAILABLE,UNAVAILABLE",
    "CANCELED,CANCELLED",
    "DEADLINE,DEADLINE_EXCEEDED",
    "INTERNAL,INTERNAL",
    "UNKNOWN,UNKNOWN"
  })
  void eachKindHasItsCode(Kind kind, Code code) {
    StatusRuntimeException e =
        GrpcErrors.toGrpc(new CompletionException(new BuildException(kind, "why")));
    assertThat(e.getStatus().getCode()).isEqualTo(code);
    assertThat(e.getStatus().getDescription()).isEqualTo("why");
  }

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      names = {"INVALID", "DENIED"},
      mode = EnumSource.Mode.EXCLUDE)
  void aKindSurvivesTheWire(Kind kind) {
    assertThat(GrpcErrors.toBuild(GrpcErrors.toGrpc(new BuildException(kind, "why"))).kind())
        .isEqualTo(kind);
  }

  @Test
  void whatABuildDoesNotFindIsNoCodeButAPeersCodeStays() {
    var absent = new BuildException(Kind.NOT_FOUND, "docker.io/library/x:1: not found");
    BuildException told =
        GrpcErrors.ofBuild(absent.wrap("failed").with(new Detail.VertexFailed(Digest.of("v"))));
    assertThat(told.kind()).isEqualTo(Kind.UNKNOWN);
    assertThat(told).hasMessage("failed: docker.io/library/x:1: not found");
    assertThat(told.details()).hasSize(1);
    var peers =
        GrpcErrors.toBuild(
            io.grpc.Status.NOT_FOUND.withDescription("no access allowed").asRuntimeException());
    assertThat(GrpcErrors.ofBuild(peers.wrap("failed")).kind()).isEqualTo(Kind.NOT_FOUND);
    var full = new BuildException(Kind.EXHAUSTED, "no space left on device");
    assertThat(GrpcErrors.ofBuild(full)).isSameAs(full);
  }

  @Test
  void unknownAndBrokenDetailsPassUntouched() {
    var unknown =
        Any.newBuilder()
            .setTypeUrl("type.example.org/x")
            .setValue(ByteString.copyFrom(new byte[] {0, 1, (byte) 0xff}))
            .build();
    var broken =
        Any.newBuilder()
            .setTypeUrl("github.com/moby/buildkit/errdefs.Vertex+json")
            .setValue(ByteString.copyFromUtf8("{nonsense"))
            .build();
    var source =
        Any.newBuilder()
            .setTypeUrl("github.com/moby/buildkit/errdefs.Source+json")
            .setValue(ByteString.copyFromUtf8("{\"later\":1}"))
            .build();
    var status =
        Status.newBuilder()
            .setCode(2)
            .setMessage("m")
            .addDetails(unknown)
            .addDetails(broken)
            .addDetails(source)
            .build();
    assertThat(GrpcErrors.toProto(GrpcErrors.fromProto(status)).getDetailsList())
        .endsWith(source, broken, unknown)
        .hasSize(4); // with the stack
  }

  @Test
  void aPeersFailureIsRead() {
    var wire =
        GrpcErrors.toGrpc(
            new BuildException(Kind.NOT_FOUND, "no").with(new Detail.ProcessExited(255)));
    assertThat(StatusProto.fromThrowable(wire)).isNotNull();
    BuildException read = GrpcErrors.toBuild(wire);
    assertThat(read).hasMessage("no");
    assertThat(read.details()).contains(new Detail.ProcessExited(255)).hasSize(2); // and the stack
  }

  @Test
  void failuresWithoutDetailsKeepCodeAndText() {
    BuildException read =
        GrpcErrors.toBuild(GrpcErrors.of(Code.UNAVAILABLE, "transport is closing"));
    assertThat(read.kind()).isEqualTo(Kind.UNAVAILABLE);
    assertThat(read).hasMessage("transport is closing");
  }

  /** What {@code grpc-go} counts of a header field: RFC 9113, section 6.5.2. */
  private static long headerBytes(StatusRuntimeException failure) {
    Metadata trailers = Optional.ofNullable(failure.getTrailers()).orElseThrow();
    long bytes = 3L * bytes(failure.getStatus().getDescription()).length; // as %XX each
    for (byte[] each : InternalMetadata.serialize(trailers)) {
      bytes += each.length * 4L / 3 + 36;
    }
    return bytes;
  }

  @Test
  void aFailureOfAnySizeFitsTheHeadersThatClientsTake() {
    String argument = "ü".repeat(5_000_000);
    var op =
        Op.newBuilder().setExec(ExecOp.newBuilder().setMeta(Meta.newBuilder().addArgs(argument)));
    var file = new SourceInfo("Dockerfile", bytes(argument), new byte[0], "Dockerfile");
    var failure =
        new BuildException(Kind.UNKNOWN, "process " + argument + " did not complete: exit code: 1")
            .with(new Detail.ProcessExited(1))
            .with(
                new Detail.SolveFailed(
                    List.of("input"),
                    List.of("mount"),
                    op.build().toByteArray(),
                    -1,
                    -1,
                    Map.of("llb.customname", argument)))
            .with(new Detail.VertexFailed(DIGEST))
            .with(new Detail.SourceLocation(file, List.of(new SourceRange(1, 0, 1, 0))))
            .with(new Detail.FrontendFailed("name", argument))
            .with(new Detail.Opaque("type.example.org/x", bytes(argument)));
    StatusRuntimeException told = GrpcErrors.toGrpc(failure);
    assertThat(headerBytes(told)).isLessThan(16 << 20);
    assertThat(told.getStatus().getDescription())
        .hasSizeLessThan(70_000)
        .startsWith("process üü")
        .contains("ü… (4934")
        .endsWith("üü did not complete: exit code: 1");
    assertThat(GrpcErrors.toBuild(told).details())
        .contains(new Detail.VertexFailed(DIGEST), new Detail.ProcessExited(1))
        .hasSize(4); // with the stack, and what is left of the failed solve
    assertThat(GrpcErrors.toProto(failure).getSerializedSize()).isLessThan(8 << 20);
    assertThat(GrpcErrors.of(Code.INTERNAL, argument).getStatus().getDescription())
        .hasSizeLessThan(70_000);
  }

  @Test
  void aMessageIsNotCutWithinACharacter() {
    String told =
        GrpcErrors.toProto(new BuildException(Kind.UNKNOWN, "a" + "😀".repeat(100_000)))
            .getMessage();
    assertThat(told).startsWith("a😀").endsWith("😀").doesNotContain("?");
    assertThat(StandardCharsets.UTF_8.newEncoder().canEncode(told)).isTrue();
  }
}
