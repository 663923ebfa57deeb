package dev.kiln.grpc;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.kiln.grpc.errdefs.ContentCache;
import dev.kiln.grpc.errdefs.FileAction;
import dev.kiln.grpc.errdefs.Solve;
import dev.kiln.grpc.errdefs.Source;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.Position;
import dev.kiln.grpc.pb.Range;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Digest;
import dev.kiln.model.GoJson;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.model.SourceRange;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The one place where failures turn into gRPC statuses and back. A detail travels as an {@code Any}
 * with a BuildKit type URL and Go's JSON of the detail as its value (BuildKit v0.22.0 {@code
 * util/grpcerrors/grpcerrors.go}); details of unknown type, and those that nobody here reads, pass
 * through untouched. Order: the stack of the failure, then what was added last to its {@link
 * BuildException}, as BuildKit's walk from the outermost error does. Any thread.
 */
public final class GrpcErrors {
  static final String PREFIX = "github.com/moby/buildkit/";
  private static final String VERTEX = PREFIX + "errdefs.Vertex+json";
  private static final String SOURCE = PREFIX + "errdefs.Source+json";
  private static final String SOLVE = PREFIX + "errdefs.Solve+json";
  private static final String FRONTEND = PREFIX + "errdefs.Frontend+json";
  private static final String FRONTEND_CAP = PREFIX + "errdefs.FrontendCap+json";
  private static final String SUBREQUEST = PREFIX + "errdefs.Subrequest+json";
  private static final String EXIT = PREFIX + "gatewayapi.ExitMessage+json";
  private static final String STACK = PREFIX + "stack.Stack+json";
  private static final int MAX_FRAMES = 48;

  private GrpcErrors() {}

  /** Any failure as the exception that a gRPC call ends with; gRPC's own pass through. */
  public static StatusRuntimeException toGrpc(Throwable failure) {
    Throwable root = unwrapped(failure);
    return switch (root) {
      case StatusRuntimeException e -> e;
      case StatusException e -> new StatusRuntimeException(e.getStatus(), e.getTrailers());
      default -> StatusProto.toStatusRuntimeException(google(BuildException.of(root)));
    };
  }

  /** A status with a code and a message alone, for protocol faults that no build caused. */
  public static StatusRuntimeException of(Code code, String message) {
    return io.grpc.Status.fromCode(code)
        .withDescription(FailureBounds.message(message))
        .asRuntimeException();
  }

  /**
   * A build's failure as its client is told it. That something is not there, or does not answer, is
   * no code there, unless a peer gave it: Go's clients show codes before the message. (BuildKit
   * v0.22.0 and v0.34.2, {@code util/grpcerrors/grpcerrors.go}: errors of containerd and of files
   * have none.)
   */
  public static BuildException ofBuild(BuildException failure) {
    boolean own = failure.kind() == Kind.NOT_FOUND || failure.kind() == Kind.UNAVAILABLE;
    for (Throwable at = failure; at != null; at = at.getCause()) {
      own &= !(at instanceof StatusRuntimeException || at instanceof StatusException);
    }
    return own
        ? new BuildException(Kind.UNKNOWN, failure.getMessage(), failure.details(), failure)
        : failure;
  }

  /** A failure as a message field, details included. */
  public static dev.kiln.grpc.rpc.Status toProto(Throwable failure) {
    com.google.rpc.Status status = google(toBuild(failure));
    return dev.kiln.grpc.rpc.Status.newBuilder()
        .setCode(status.getCode())
        .setMessage(status.getMessage())
        .addAllDetails(status.getDetailsList())
        .build();
  }

  /** What a peer reported in a message field. */
  public static BuildException fromProto(dev.kiln.grpc.rpc.Status status) {
    return decoded(
        status.getCode(), status.getMessage(), status.getDetailsList(), Optional.empty());
  }

  /**
   * Any failure, of ours or of a call to a peer, as a {@link BuildException}; a peer's details
   * stay.
   */
  public static BuildException toBuild(Throwable failure) {
    Throwable root = unwrapped(failure);
    com.google.rpc.Status status =
        root instanceof StatusRuntimeException || root instanceof StatusException
            ? StatusProto.fromThrowable(root)
            : null;
    return status == null
        ? BuildException.of(root)
        : decoded(
            status.getCode(), status.getMessage(), status.getDetailsList(), Optional.of(root));
  }

  /** How a call to a peer ended. */
  public static BuildException fromGrpc(io.grpc.Status status, @Nullable Metadata trailers) {
    return toBuild(new StatusRuntimeException(status, trailers));
  }

  private static Throwable unwrapped(Throwable failure) {
    Throwable root = failure;
    while ((root instanceof java.util.concurrent.CompletionException
            || root instanceof java.util.concurrent.ExecutionException)
        && root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  /** Bounded by {@link FailureBounds}. */
  private static com.google.rpc.Status google(BuildException failure) {
    var status =
        com.google.rpc.Status.newBuilder()
            .setCode(code(failure.kind()).value())
            .setMessage(FailureBounds.message(failure.getMessage()));
    status.addDetails(stack(failure));
    var bounds = new FailureBounds();
    for (Detail detail : failure.details().reversed()) {
      bounds.detail(detail, GrpcErrors::any).ifPresent(status::addDetails);
    }
    return status.build();
  }

  /**
   * Where in the daemon the failure began, which clients print when asked to debug: the innermost
   * frames of the innermost cause. Code only, no values. Form: BuildKit v0.22 {@code
   * util/stack/stack.proto}.
   */
  private static Any stack(BuildException failure) {
    Throwable first = failure;
    while (first.getCause() != null) {
      first = first.getCause();
    }
    var frames = new ArrayList<GoJson>();
    for (StackTraceElement at : first.getStackTrace()) {
      if (frames.size() == MAX_FRAMES) {
        break;
      }
      String file = at.getFileName();
      frames.add(
          GoJson.object()
              .textIfSet("Name", at.getClassName() + "." + at.getMethodName())
              .textIfSet("File", file == null ? "" : file)
              .numberIfSet("Line", Math.max(0, at.getLineNumber())));
    }
    return json(
        STACK,
        GoJson.object()
            .objectsIfSet("frames", frames)
            .textsIfSet("cmdline", List.of("kiln"))
            .numberIfSet("pid", ProcessHandle.current().pid()));
  }

  /**
   * BuildKit gives codes to few failures and {@code Unknown} to the rest (features V-82): a code
   * shows up as a prefix in the text that its clients print.
   */
  private static Code code(Kind kind) {
    return switch (kind) {
      case INVALID, DENIED, UNKNOWN -> Code.UNKNOWN;
      case NOT_FOUND -> Code.NOT_FOUND;
      case ALREADY_EXISTS -> Code.ALREADY_EXISTS;
      case UNSUPPORTED -> Code.UNIMPLEMENTED;
      case EXHAUSTED -> Code.RESOURCE_EXHAUSTED;
      case UNAVAILABLE -> Code.UNAVAILABLE;
      case CANCELED -> Code.CANCELLED;
      case DEADLINE -> Code.DEADLINE_EXCEEDED;
      case INTERNAL -> Code.INTERNAL;
    };
  }

  private static Kind kind(int value) {
    Code code = io.grpc.Status.fromCodeValue(value).getCode();
    return switch (code) {
      case OK, UNKNOWN, ABORTED, DATA_LOSS -> Kind.UNKNOWN;
      case CANCELLED -> Kind.CANCELED;
      case INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE -> Kind.INVALID;
      case DEADLINE_EXCEEDED -> Kind.DEADLINE;
      case NOT_FOUND -> Kind.NOT_FOUND;
      case ALREADY_EXISTS -> Kind.ALREADY_EXISTS;
      case PERMISSION_DENIED, UNAUTHENTICATED -> Kind.DENIED;
      case RESOURCE_EXHAUSTED -> Kind.EXHAUSTED;
      case UNIMPLEMENTED -> Kind.UNSUPPORTED;
      case INTERNAL -> Kind.INTERNAL;
      case UNAVAILABLE -> Kind.UNAVAILABLE;
    };
  }

  private static Any any(Detail detail) {
    return switch (detail) {
      case Detail.VertexFailed(Digest vertex) ->
          json(VERTEX, GoJson.object().text("digest", vertex.value()));
      case Detail.ProcessExited(int code) ->
          // Go's field is a uint32: -1 there is 4294967295
          json(EXIT, GoJson.object().numberIfSet("Code", Integer.toUnsignedLong(code)));
      case Detail.SourceLocation location -> json(SOURCE, GoMessageJson.of(source(location)));
      case Detail.SolveFailed solve -> any(SOLVE, protobufJson(solve(solve)));
      case Detail.FrontendFailed(String name, String source) ->
          json(FRONTEND, GoJson.object().textIfSet("name", name).textIfSet("source", source));
      case Detail.FrontendCapMissing(String name) ->
          json(FRONTEND_CAP, GoJson.object().textIfSet("name", name));
      case Detail.SubrequestUnsupported(String name) ->
          json(SUBREQUEST, GoJson.object().textIfSet("name", name));
      case Detail.Opaque(String typeUrl, byte[] value) ->
          Any.newBuilder().setTypeUrl(typeUrl).setValue(ByteString.copyFrom(value)).build();
    };
  }

  private static Any json(String typeUrl, GoJson value) {
    return any(typeUrl, value.toString());
  }

  private static Any any(String typeUrl, String value) {
    return Any.newBuilder().setTypeUrl(typeUrl).setValue(ByteString.copyFromUtf8(value)).build();
  }

  /** The wire form of a source location, shared with warnings. */
  public static Source source(Detail.SourceLocation location) {
    var info =
        SourceInfo.newBuilder()
            .setFilename(location.info().filename())
            .setData(ByteString.copyFrom(location.info().data()))
            .setLanguage(location.info().language());
    if (location.info().definition().length > 0) {
      try {
        info.setDefinition(Definition.parseFrom(location.info().definition()));
      } catch (InvalidProtocolBufferException e) {
        throw new IllegalArgumentException("a source's definition is not one", e);
      }
    }
    return Source.newBuilder()
        .setInfo(info)
        .addAllRanges(location.ranges().stream().map(GrpcErrors::range).toList())
        .build();
  }

  /** The wire form of a range. */
  public static Range range(SourceRange range) {
    return Range.newBuilder()
        .setStart(
            Position.newBuilder().setLine(range.startLine()).setCharacter(range.startCharacter()))
        .setEnd(Position.newBuilder().setLine(range.endLine()).setCharacter(range.endCharacter()))
        .build();
  }

  private static Solve solve(Detail.SolveFailed detail) {
    var solve =
        Solve.newBuilder()
            .addAllInputIDs(detail.inputIds())
            .addAllMountIDs(detail.mountIds())
            .putAllDescription(detail.description());
    if (detail.op().length > 0) {
      try {
        solve.setOp(Op.parseFrom(detail.op()));
      } catch (InvalidProtocolBufferException e) {
        throw new IllegalArgumentException("a failed op's bytes are not an op", e);
      }
    }
    if (detail.fileIndex() >= 0) {
      solve.setFile(FileAction.newBuilder().setIndex(detail.fileIndex()));
    } else if (detail.cacheIndex() >= 0) {
      solve.setCache(ContentCache.newBuilder().setIndex(detail.cacheIndex()));
    }
    return solve.build();
  }

  /**
   * {@code errdefs.Solve} alone is in protobuf's JSON mapping (v0.22 {@code
   * solver/errdefs/solve.go}).
   */
  private static String protobufJson(Solve solve) {
    try {
      return JsonFormat.printer().omittingInsignificantWhitespace().print(solve);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("no JSON of a message made here", e);
    }
  }

  private static BuildException decoded(
      int code, String message, List<Any> details, Optional<Throwable> cause) {
    var decoded = new ArrayList<Detail>();
    details.forEach(any -> decoded.add(detail(any)));
    return new BuildException(kind(code), message, decoded, cause.orElse(null));
  }

  /**
   * Small details are understood; {@code Source} and {@code Solve} nobody reads, so they stay
   * exact.
   */
  private static Detail detail(Any any) {
    byte[] value = any.getValue().toByteArray();
    var opaque = new Detail.Opaque(any.getTypeUrl(), value);
    try {
      return switch (any.getTypeUrl()) {
        case VERTEX -> new Detail.VertexFailed(new Digest(tree(value).path("digest").asText()));
        case EXIT -> new Detail.ProcessExited((int) tree(value).path("Code").asLong());
        case FRONTEND ->
            new Detail.FrontendFailed(
                tree(value).path("name").asText(), tree(value).path("source").asText());
        case FRONTEND_CAP -> new Detail.FrontendCapMissing(tree(value).path("name").asText());
        case SUBREQUEST -> new Detail.SubrequestUnsupported(tree(value).path("name").asText());
        default -> opaque;
      };
    } catch (Json.Malformed | IllegalArgumentException e) {
      return opaque; // a detail that we cannot read is still the peer's to send
    }
  }

  private static JsonNode tree(byte[] value) throws Json.Malformed {
    JsonNode tree = Json.parse(value);
    if (!tree.isObject()) {
      throw new IllegalArgumentException("a detail is a JSON object");
    }
    return tree;
  }
}
