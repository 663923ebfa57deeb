package dev.kiln.grpc.transport;

import akka.grpc.GrpcProtocol;
import akka.grpc.Trailers;
import akka.grpc.internal.GrpcEntityHelpers;
import akka.grpc.internal.GrpcProtocolNative$;
import akka.grpc.internal.Identity$;
import akka.http.javadsl.model.HttpResponse;
import akka.http.scaladsl.model.HttpEntity;
import akka.stream.javadsl.Source;
import dev.kiln.grpc.GrpcErrors;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.util.function.Function;

/**
 * Ends a call whose answer holds a larger message than clients take, with a status that says so;
 * akka-grpc would send it, and the client would drop the connection's stream. Each of akka-grpc's
 * chunks is one message with its prefix.
 */
final class ResponseLimit {
  private static final int PREFIX_BYTES = 5;
  private final int maxBytes;
  private final Function<Throwable, Trailers> trailers;

  /**
   * @param trailers what a client is told of a failure
   */
  ResponseLimit(int maxBytes, Function<Throwable, Trailers> trailers) {
    this.maxBytes = maxBytes;
    this.trailers = trailers;
  }

  /**
   * @param failed makes a whole answer of a failure
   */
  HttpResponse apply(HttpResponse response, Function<Throwable, HttpResponse> failed) {
    return switch (response.entity()) {
      case HttpEntity.Strict whole when isTooLarge(whole.data().size()) ->
          failed.apply(failure(whole.data().size()));
      case HttpEntity.Chunked stream ->
          response.withEntity(
              new HttpEntity.Chunked(
                  stream.contentType(), limited(stream.chunks().asJava()).asScala()));
      default -> response;
    };
  }

  private Source<HttpEntity.ChunkStreamPart, Object> limited(
      Source<HttpEntity.ChunkStreamPart, Object> chunks) {
    return chunks
        .map(chunk ->
            isTooLarge(chunk.data().size()) ? trailer(failure(chunk.data().size())) : chunk)
        .takeWhile(chunk -> !chunk.isLastChunk(), true);
  }

  private boolean isTooLarge(int framedBytes) {
    return framedBytes - PREFIX_BYTES > maxBytes;
  }

  /** In grpc-go's words. */
  private StatusRuntimeException failure(int framedBytes) {
    return GrpcErrors.of(
        Code.RESOURCE_EXHAUSTED,
        "grpc: trying to send message larger than max ("
            + (framedBytes - PREFIX_BYTES)
            + " vs. "
            + maxBytes
            + ")");
  }

  private HttpEntity.ChunkStreamPart trailer(Throwable failure) {
    Trailers told = trailers.apply(failure);
    GrpcProtocol.Frame frame = GrpcEntityHelpers.trailer(told.status(), told.metadata());
    return GrpcProtocolNative$.MODULE$.newWriter(Identity$.MODULE$).encodeFrame().apply(frame);
  }
}
