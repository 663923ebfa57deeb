package dev.kiln.grpc.services;

import dev.kiln.grpc.health.Health;
import dev.kiln.grpc.health.HealthCheckRequest;
import dev.kiln.grpc.health.HealthCheckResponse;
import dev.kiln.grpc.health.HealthPowerApi;
import dev.kiln.grpc.transport.Service;

/** The methods of {@code grpc.health.v1.Health}. Stateless. */
public final class HealthMethods {
  private HealthMethods() {}

  public static Service of(HealthPowerApi api) {
    return new Service(
        Health.description,
        methods ->
            methods
                .unary(
                    "Check",
                    HealthCheckRequest.getDefaultInstance(),
                    HealthCheckResponse.getDefaultInstance(),
                    api::check)
                .answers(
                    "Watch",
                    HealthCheckRequest.getDefaultInstance(),
                    HealthCheckResponse.getDefaultInstance(),
                    api::watch));
  }
}
