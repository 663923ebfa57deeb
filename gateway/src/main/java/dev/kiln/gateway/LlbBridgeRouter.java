package dev.kiln.gateway;

import akka.NotUsed;
import akka.grpc.javadsl.Metadata;
import akka.stream.javadsl.Source;
import dev.kiln.grpc.gateway.EvaluateRequest;
import dev.kiln.grpc.gateway.EvaluateResponse;
import dev.kiln.grpc.gateway.ExecMessage;
import dev.kiln.grpc.gateway.InputsRequest;
import dev.kiln.grpc.gateway.InputsResponse;
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
import java.util.concurrent.CompletionStage;

/**
 * The LLBBridge service of the daemon's listeners: hands each call to the bridge of the build that
 * its header names. Stateless.
 */
public final class LlbBridgeRouter implements LLBBridgePowerApi {
  private static final String BUILD_ID = "buildkit-controlapi-buildid";
  private final Bridges bridges;

  public LlbBridgeRouter(Bridges bridges) {
    this.bridges = bridges;
  }

  private CompletionStage<LlbBridge> bridge(Metadata metadata) {
    return bridges.find(metadata.getText(BUILD_ID).orElse(""));
  }

  @Override
  public CompletionStage<ResolveImageConfigResponse> resolveImageConfig(
      ResolveImageConfigRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.resolveImageConfig(in, metadata));
  }

  @Override
  public CompletionStage<ResolveSourceMetaResponse> resolveSourceMeta(
      ResolveSourceMetaRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.resolveSourceMeta(in, metadata));
  }

  @Override
  public CompletionStage<SolveResponse> solve(SolveRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.solve(in, metadata));
  }

  @Override
  public CompletionStage<ReadFileResponse> readFile(ReadFileRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.readFile(in, metadata));
  }

  @Override
  public CompletionStage<ReadDirResponse> readDir(ReadDirRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.readDir(in, metadata));
  }

  @Override
  public CompletionStage<StatFileResponse> statFile(StatFileRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.statFile(in, metadata));
  }

  @Override
  public CompletionStage<EvaluateResponse> evaluate(EvaluateRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.evaluate(in, metadata));
  }

  @Override
  public CompletionStage<ReturnResponse> returned(ReturnRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.returned(in, metadata));
  }

  @Override
  public CompletionStage<InputsResponse> inputs(InputsRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.inputs(in, metadata));
  }

  @Override
  public CompletionStage<NewContainerResponse> newContainer(
      NewContainerRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.newContainer(in, metadata));
  }

  @Override
  public CompletionStage<ReleaseContainerResponse> releaseContainer(
      ReleaseContainerRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.releaseContainer(in, metadata));
  }

  @Override
  public CompletionStage<WarnResponse> warn(WarnRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.warn(in, metadata));
  }

  @Override
  public CompletionStage<PongResponse> ping(PingRequest in, Metadata metadata) {
    return bridge(metadata).thenCompose(bridge -> bridge.ping(in, metadata));
  }

  @Override
  public Source<ExecMessage, NotUsed> execProcess(
      Source<ExecMessage, NotUsed> in, Metadata metadata) {
    return Source.completionStageSource(
            bridge(metadata).thenApply(bridge -> bridge.execProcess(in, metadata)))
        .mapMaterializedValue(done -> NotUsed.getInstance());
  }
}
