package dev.kiln.control;

import akka.NotUsed;
import akka.grpc.javadsl.Metadata;
import akka.stream.javadsl.Source;
import dev.kiln.grpc.reflection.v1.ServerReflectionPowerApi;
import dev.kiln.grpc.reflection.v1.ServerReflectionRequest;
import dev.kiln.grpc.reflection.v1.ServerReflectionResponse;

/** {@code grpc.reflection.v1} over {@link Reflection}. Stateless. */
public final class ReflectionV1 implements ServerReflectionPowerApi {
  private final Reflection reflection;

  public ReflectionV1(Reflection reflection) {
    this.reflection = reflection;
  }

  @Override
  public Source<ServerReflectionResponse, NotUsed> serverReflectionInfo(
      Source<ServerReflectionRequest, NotUsed> in, Metadata metadata) {
    return in.map(this::answer);
  }

  private ServerReflectionResponse answer(ServerReflectionRequest request) {
    return reflection.answer(request);
  }
}
