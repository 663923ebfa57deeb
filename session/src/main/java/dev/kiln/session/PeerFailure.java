package dev.kiln.session;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Kind;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a peer answered when it failed, as a {@link BuildException} with its details kept. */
final class PeerFailure {
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private PeerFailure() {}

  static BuildException of(Status status, @Nullable Metadata trailers) {
    String description = status.getDescription();
    return new BuildException(
        kind(status.getCode()),
        description == null ? status.getCode().toString() : description,
        details(trailers),
        status.getCause());
  }

  private static List<Detail> details(@Nullable Metadata trailers) {
    byte[] bytes = trailers == null ? null : trailers.get(DETAILS);
    if (bytes == null) {
      return List.of();
    }
    try {
      return com.google.rpc.Status.parseFrom(bytes).getDetailsList().stream()
          .map(any -> (Detail) new Detail.Opaque(any.getTypeUrl(), any.getValue().toByteArray()))
          .toList();
    } catch (InvalidProtocolBufferException e) {
      return List.of(); // the message says what there is to say
    }
  }

  private static Kind kind(Status.Code code) {
    return switch (code) {
      case INVALID_ARGUMENT, OUT_OF_RANGE, FAILED_PRECONDITION -> Kind.INVALID;
      case NOT_FOUND -> Kind.NOT_FOUND;
      case ALREADY_EXISTS -> Kind.ALREADY_EXISTS;
      case UNIMPLEMENTED -> Kind.UNSUPPORTED;
      case PERMISSION_DENIED, UNAUTHENTICATED -> Kind.DENIED;
      case RESOURCE_EXHAUSTED -> Kind.EXHAUSTED;
      case UNAVAILABLE -> Kind.UNAVAILABLE;
      case CANCELLED, ABORTED -> Kind.CANCELED;
      case DEADLINE_EXCEEDED -> Kind.DEADLINE;
      case INTERNAL, DATA_LOSS -> Kind.INTERNAL;
      case UNKNOWN, OK -> Kind.UNKNOWN;
    };
  }
}
