package dev.kiln.control;

import akka.NotUsed;
import akka.grpc.javadsl.Metadata;
import akka.stream.javadsl.Source;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.health.HealthCheckRequest;
import dev.kiln.grpc.health.HealthCheckResponse;
import dev.kiln.grpc.health.HealthCheckResponse.ServingStatus;
import dev.kiln.grpc.health.HealthPowerApi;
import io.grpc.Status.Code;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * {@code grpc.health.v1}: the daemon as a whole, the service without a name, serves as long as it
 * answers; single services have no health of their own. Stateless.
 */
public final class HealthService implements HealthPowerApi {
  @Override
  public CompletionStage<HealthCheckResponse> check(HealthCheckRequest in, Metadata metadata) {
    return in.getService().isEmpty()
        ? CompletableFuture.completedFuture(answer(ServingStatus.SERVING))
        : CompletableFuture.failedFuture(GrpcErrors.of(Code.NOT_FOUND, "unknown service"));
  }

  /** The first answer at once, then nothing changes until the daemon ends. */
  @Override
  public Source<HealthCheckResponse, NotUsed> watch(HealthCheckRequest in, Metadata metadata) {
    ServingStatus status =
        in.getService().isEmpty() ? ServingStatus.SERVING : ServingStatus.SERVICE_UNKNOWN;
    return Source.single(answer(status)).concat(Source.never());
  }

  private static HealthCheckResponse answer(ServingStatus status) {
    return HealthCheckResponse.newBuilder().setStatus(status).build();
  }
}
