package dev.kiln.grpc.services;

import dev.kiln.grpc.reflection.v1alpha.ServerReflection;
import dev.kiln.grpc.reflection.v1alpha.ServerReflectionPowerApi;
import dev.kiln.grpc.reflection.v1alpha.ServerReflectionRequest;
import dev.kiln.grpc.reflection.v1alpha.ServerReflectionResponse;
import dev.kiln.grpc.transport.Service;

/** The methods of {@code grpc.reflection.v1alpha.ServerReflection}. Stateless. */
public final class ReflectionV1AlphaMethods {
  private ReflectionV1AlphaMethods() {}

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
