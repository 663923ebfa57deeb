package dev.kiln.grpc.services;

import dev.kiln.grpc.reflection.v1.ServerReflection;
import dev.kiln.grpc.reflection.v1.ServerReflectionPowerApi;
import dev.kiln.grpc.reflection.v1.ServerReflectionRequest;
import dev.kiln.grpc.reflection.v1.ServerReflectionResponse;
import dev.kiln.grpc.transport.Service;

/** The methods of {@code grpc.reflection.v1.ServerReflection}. Stateless. */
public final class ReflectionV1Methods {
  private ReflectionV1Methods() {}

  public static Service of(ServerReflectionPowerApi api) {
    return new Service(
        ServerReflection.description,
        methods ->
            methods.duplex(
                "ServerReflectionInfo",
                ServerReflectionRequest.getDefaultInstance(),
                ServerReflectionResponse.getDefaultInstance(),
                api::serverReflectionInfo));
  }
}
