package dev.kiln.grpc.services;

import akka.NotUsed;
import akka.grpc.javadsl.Metadata;
import akka.stream.javadsl.Source;
import dev.kiln.grpc.control.BuildHistoryEvent;
import dev.kiln.grpc.control.BuildHistoryRequest;
import dev.kiln.grpc.control.Control;
import dev.kiln.grpc.control.ControlPowerApi;
import dev.kiln.grpc.control.DiskUsageRequest;
import dev.kiln.grpc.control.DiskUsageResponse;
import dev.kiln.grpc.control.InfoRequest;
import dev.kiln.grpc.control.InfoResponse;
import dev.kiln.grpc.control.ListWorkersRequest;
import dev.kiln.grpc.control.ListWorkersResponse;
import dev.kiln.grpc.control.PruneRequest;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.grpc.control.StatusRequest;
import dev.kiln.grpc.control.UpdateBuildHistoryRequest;
import dev.kiln.grpc.control.UpdateBuildHistoryResponse;
import dev.kiln.grpc.control.UsageRecord;
import dev.kiln.grpc.transport.Service;
import dev.kiln.grpc.transport.Tunnels;
import java.util.function.BiFunction;

/** The methods of {@code moby.buildkit.v1.Control}. Stateless. */
public final class ControlMethods {
  private ControlMethods() {}

  /**
   * @param status answers {@code Status} in place of {@code api}: with statuses as they were
   *     encoded when they came
   * @param sessions takes the calls of {@code Session}, whose bytes are a connection of their own
   */
  public static Service of(
      ControlPowerApi api,
      BiFunction<StatusRequest, Metadata, Source<byte[], NotUsed>> status,
      Tunnels sessions) {
    return new Service(
        Control.description,
        methods ->
            methods
                .unary(
                    "DiskUsage",
                    DiskUsageRequest.getDefaultInstance(),
                    DiskUsageResponse.getDefaultInstance(),
                    api::diskUsage)
                .answers(
                    "Prune",
                    PruneRequest.getDefaultInstance(),
                    UsageRecord.getDefaultInstance(),
                    api::prune)
                .unary(
                    "Solve",
                    SolveRequest.getDefaultInstance(),
                    SolveResponse.getDefaultInstance(),
                    api::solve)
                .encodedAnswers("Status", StatusRequest.getDefaultInstance(), status)
                .tunnel("Session", sessions)
                .unary(
                    "ListWorkers",
                    ListWorkersRequest.getDefaultInstance(),
                    ListWorkersResponse.getDefaultInstance(),
                    api::listWorkers)
                .unary(
                    "Info",
                    InfoRequest.getDefaultInstance(),
                    InfoResponse.getDefaultInstance(),
                    api::info)
                .answers(
                    "ListenBuildHistory",
                    BuildHistoryRequest.getDefaultInstance(),
                    BuildHistoryEvent.getDefaultInstance(),
                    api::listenBuildHistory)
                .unary(
                    "UpdateBuildHistory",
                    UpdateBuildHistoryRequest.getDefaultInstance(),
                    UpdateBuildHistoryResponse.getDefaultInstance(),
                    api::updateBuildHistory));
  }
}
