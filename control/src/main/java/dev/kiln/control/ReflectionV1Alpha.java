package dev.kiln.control;

import akka.NotUsed;
import akka.grpc.javadsl.Metadata;
import akka.stream.javadsl.Source;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.grpc.reflection.v1alpha.ServerReflectionPowerApi;
import dev.kiln.grpc.reflection.v1alpha.ServerReflectionRequest;
import dev.kiln.grpc.reflection.v1alpha.ServerReflectionResponse;

/** {@code grpc.reflection.v1alpha} over {@link Reflection}. Stateless. */
public final class ReflectionV1Alpha implements ServerReflectionPowerApi {
  private final Reflection reflection;

  public ReflectionV1Alpha(Reflection reflection) {
    this.reflection = reflection;
  }

  @Override
  public Source<ServerReflectionResponse, NotUsed> serverReflectionInfo(
      Source<ServerReflectionRequest, NotUsed> in, Metadata metadata) {
    return in.map(this::answer);
  }

  private ServerReflectionResponse answer(ServerReflectionRequest request)
      throws InvalidProtocolBufferException {
    // Both versions have the same messages.
    return ServerReflectionResponse.parseFrom(
        reflection
            .answer(
                dev.kiln.grpc.reflection.v1.ServerReflectionRequest.parseFrom(
                    request.toByteArray()))
            .toByteArray());
  }
}
