package dev.kiln.grpc.services;

import dev.kiln.grpc.gateway.EvaluateRequest;
import dev.kiln.grpc.gateway.EvaluateResponse;
import dev.kiln.grpc.gateway.ExecMessage;
import dev.kiln.grpc.gateway.InputsRequest;
import dev.kiln.grpc.gateway.InputsResponse;
import dev.kiln.grpc.gateway.LLBBridge;
import dev.kiln.grpc.gateway.LLBBridgePowerApi;
import dev.kiln.grpc.gateway.NewContainerRequest;
import dev.kiln.grpc.gateway.NewContainerResponse;
import dev.kiln.grpc.gateway.PingRequest;
import dev.kiln.grpc.gateway.PongResponse;
import dev.kiln.grpc.gateway.ReadDirRequest;
import dev.kiln.grpc.gateway.ReadDirResponse;
import dev.kiln.grpc.gateway.ReadFileRequest;
import dev.kiln.grpc.gateway.ReadFileResponse;
import dev.kiln.grpc.gateway.ReleaseContainerRequest;
import dev.kiln.grpc.gateway.ReleaseContainerResponse;
import dev.kiln.grpc.gateway.ResolveImageConfigRequest;
import dev.kiln.grpc.gateway.ResolveImageConfigResponse;
import dev.kiln.grpc.gateway.ResolveSourceMetaRequest;
import dev.kiln.grpc.gateway.ResolveSourceMetaResponse;
import dev.kiln.grpc.gateway.ReturnRequest;
import dev.kiln.grpc.gateway.ReturnResponse;
import dev.kiln.grpc.gateway.SolveRequest;
import dev.kiln.grpc.gateway.SolveResponse;
import dev.kiln.grpc.gateway.StatFileRequest;
import dev.kiln.grpc.gateway.StatFileResponse;
import dev.kiln.grpc.gateway.WarnRequest;
import dev.kiln.grpc.gateway.WarnResponse;
import dev.kiln.grpc.transport.Service;

/**
 * The methods of {@code moby.buildkit.v1.frontend.LLBBridge}. The stub generator refuses a method
 * named {@code Return}. Stateless.
 */
public final class BridgeMethods {
  private BridgeMethods() {}

  public static Service of(LLBBridgePowerApi api) {
    return new Service(
        LLBBridge.description,
        methods ->
            methods
                .unary(
                    "ResolveImageConfig",
                    ResolveImageConfigRequest.getDefaultInstance(),
                    ResolveImageConfigResponse.getDefaultInstance(),
                    api::resolveImageConfig)
                .unary(
                    "ResolveSourceMeta",
                    ResolveSourceMetaRequest.getDefaultInstance(),
                    ResolveSourceMetaResponse.getDefaultInstance(),
                    api::resolveSourceMeta)
                .unary(
                    "Solve",
                    SolveRequest.getDefaultInstance(),
                    SolveResponse.getDefaultInstance(),
                    api::solve)
                .unary(
                    "ReadFile",
                    ReadFileRequest.getDefaultInstance(),
                    ReadFileResponse.getDefaultInstance(),
                    api::readFile)
                .unary(
                    "ReadDir",
                    ReadDirRequest.getDefaultInstance(),
                    ReadDirResponse.getDefaultInstance(),
                    api::readDir)
                .unary(
                    "StatFile",
                    StatFileRequest.getDefaultInstance(),
                    StatFileResponse.getDefaultInstance(),
                    api::statFile)
                .unary(
                    "Evaluate",
                    EvaluateRequest.getDefaultInstance(),
                    EvaluateResponse.getDefaultInstance(),
                    api::evaluate)
                .unary(
                    "Ping",
                    PingRequest.getDefaultInstance(),
                    PongResponse.getDefaultInstance(),
                    api::ping)
                .unary(
                    "Return",
                    ReturnRequest.getDefaultInstance(),
                    ReturnResponse.getDefaultInstance(),
                    api::returned)
                .unary(
                    "Inputs",
                    InputsRequest.getDefaultInstance(),
                    InputsResponse.getDefaultInstance(),
                    api::inputs)
                .unary(
                    "NewContainer",
                    NewContainerRequest.getDefaultInstance(),
                    NewContainerResponse.getDefaultInstance(),
                    api::newContainer)
                .unary(
                    "ReleaseContainer",
                    ReleaseContainerRequest.getDefaultInstance(),
                    ReleaseContainerResponse.getDefaultInstance(),
                    api::releaseContainer)
                .duplex(
                    "ExecProcess",
                    ExecMessage.getDefaultInstance(),
                    ExecMessage.getDefaultInstance(),
                    api::execProcess)
                .unary(
                    "Warn",
                    WarnRequest.getDefaultInstance(),
                    WarnResponse.getDefaultInstance(),
                    api::warn));
  }
}
