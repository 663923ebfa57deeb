package dev.kiln.gateway;

import akka.NotUsed;
import akka.grpc.javadsl.Metadata;
import akka.stream.javadsl.Source;
import com.google.protobuf.ByteString;
import dev.kiln.grpc.GrpcErrors;
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
import dev.kiln.grpc.gateway.ResolveSourceImageResponse;
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
import dev.kiln.grpc.transport.Call;
import dev.kiln.grpc.types.WorkerRecord;
import dev.kiln.llb.BuildInfo;
import dev.kiln.llb.CacheImport;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.FrontendResult;
import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.sources.SourceMeta;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Supplier;

/**
 * One build's bridge on the wire: gives its refs ids and takes the frontend's answer. Ids are valid
 * in this bridge only. Any thread; each call runs on a virtual thread of its own, which is
 * interrupted when the caller leaves.
 */
public final class LlbBridge implements LLBBridgePowerApi {
  private final BuildBridge bridge;
  private final Supplier<List<WorkerRecord>> workers;
  private final Containers containers;
  private final ConcurrentMap<String, FrontendRef> refs = new ConcurrentHashMap<>();

  /** Ids in the store of what failed steps left, as their failures told them to this frontend. */
  private final Set<String> told = ConcurrentHashMap.newKeySet();

  private final CompletableFuture<FrontendResult> answer = new CompletableFuture<>();

  public LlbBridge(
      BuildBridge bridge, Supplier<List<WorkerRecord>> workers, Containers containers) {
    this.bridge = bridge;
    this.workers = workers;
    this.containers = containers;
  }

  /** A call of the frontend, whose failures it may come back to. */
  private final class Heard {
    private final Call call;

    Heard(Call call) {
      this.call = call;
    }

    <T> CompletionStage<T> answer(String name, Callable<T> work) {
      return call.answer(
          name,
          () -> {
            try {
              return work.call();
            } catch (BuildException e) {
              remember(e);
              throw GrpcErrors.ofBuild(e);
            }
          });
    }
  }

  private Heard heard(Metadata metadata) {
    return new Heard(Call.of(metadata));
  }

  /** Only an op of this daemon makes such details; what came over a wire is opaque. */
  private void remember(BuildException failure) {
    for (Detail detail : failure.details()) {
      if (detail instanceof Detail.SolveFailed left) {
        told.addAll(left.inputIds());
        told.addAll(left.mountIds());
      }
    }
  }

  /** What the frontend returned, once it has; fails with the frontend's error. */
  public CompletionStage<FrontendResult> answer() {
    return answer.minimalCompletionStage();
  }

  @Override
  public CompletionStage<ResolveImageConfigResponse> resolveImageConfig(
      ResolveImageConfigRequest in, Metadata metadata) {
    return heard(metadata)
        .answer(
            "bridge-resolve",
            () -> {
              ImageMeta meta =
                  bridge.resolveImage(
                      new ImageQuery(
                          in.getRef(),
                          platform(in.hasPlatform(), in.getPlatform()),
                          in.getResolveMode(),
                          in.getLogName(),
                          in.getResolverType() == 1
                              ? Optional.of(
                                  new ImageQuery.OciLayout(in.getSessionID(), in.getStoreID()))
                              : Optional.empty(),
                          in.getSourcePoliciesList()));
              return ResolveImageConfigResponse.newBuilder()
                  .setRef(meta.ref())
                  .setDigest(meta.digest().value())
                  .setConfig(ByteString.copyFrom(meta.config()))
                  .build();
            });
  }

  @Override
  public CompletionStage<ResolveSourceMetaResponse> resolveSourceMeta(
      ResolveSourceMetaRequest in, Metadata metadata) {
    return heard(metadata)
        .answer(
            "bridge-resolve",
            () -> {
              if (!in.hasSource()) {
                throw new BuildException(Kind.INVALID, "source is required");
              }
              SourceMeta meta =
                  bridge.resolveSource(
                      new SourceQuery(
                          new SourceOp(
                              in.getSource().getIdentifier(), in.getSource().getAttrsMap()),
                          platform(in.hasPlatform(), in.getPlatform()),
                          in.getResolveMode(),
                          in.getLogName(),
                          in.getSourcePoliciesList()));
              var out =
                  ResolveSourceMetaResponse.newBuilder()
                      .setSource(
                          dev.kiln.grpc.pb.SourceOp.newBuilder()
                              .setIdentifier(meta.op().identifier())
                              .putAllAttrs(meta.op().attrs()));
              meta.image()
                  .ifPresent(image ->
                      out.setImage(
                          ResolveSourceImageResponse.newBuilder()
                              .setDigest(image.digest().value())
                              .setConfig(ByteString.copyFrom(image.config()))));
              return out.build();
            });
  }

  private static Optional<Platform> platform(boolean given, dev.kiln.grpc.pb.Platform platform) {
    return given ? Optional.of(GatewayMessages.platform(platform)) : Optional.empty();
  }

  @Override
  public CompletionStage<SolveResponse> solve(SolveRequest in, Metadata metadata) {
    return heard(metadata)
        .answer(
            "bridge-solve",
            () -> {
              FrontendResult result =
                  bridge.solve(
                      new dev.kiln.llb.SolveRequest(
                          in.hasDefinition() && in.getDefinition().getDefCount() > 0
                              ? Optional.of(in.getDefinition())
                              : Optional.empty(),
                          in.getFrontend(),
                          in.getFrontendOptMap(),
                          in.getFrontendInputsMap(),
                          in.getCacheImportsList().stream()
                              .map(i -> new CacheImport(i.getType(), i.getAttrsMap()))
                              .toList(),
                          in.getEvaluate(),
                          in.getSourcePoliciesList()));
              if (in.getFinal()) {
                answer.complete(GatewayMessages.inlineResult(result, in.getExporterAttr()));
              }
              if (!in.getAllowResultReturn()) {
                // A caller from before results: one ref by its id.
                return SolveResponse.newBuilder()
                    .setRef(result.ref().map(this::idOf).orElse(""))
                    .build();
              }
              return SolveResponse.newBuilder()
                  .setResult(
                      GatewayMessages.result(result, in.getAllowResultArrayRef(), this::idOf))
                  .build();
            });
  }

  /** Ids of the refs of a result, by which the client can read them; none for empty ones. */
  public List<String> ids(FrontendResult result) {
    return BuildBridge.refs(result).stream().map(this::idOf).toList();
  }

  private String idOf(FrontendRef ref) {
    String id = UUID.randomUUID().toString();
    refs.put(id, ref);
    return id;
  }

  /** The ref with this id; the empty id is the empty file system. */
  private Optional<FrontendRef> find(String id) {
    if (id.isEmpty()) {
      return Optional.empty();
    }
    FrontendRef ref = refs.get(id);
    if (ref == null) {
      throw new BuildException(
          Kind.NOT_FOUND,
          "return reference " + id + " not found: it is of another build, or was released");
    }
    return Optional.of(ref);
  }

  private FrontendRef need(String id, String path) {
    return find(id)
        .orElseThrow(() ->
            new BuildException(
                Kind.NOT_FOUND, path + ": no such file or directory in an empty result"));
  }

  @Override
  public CompletionStage<ReadFileResponse> readFile(ReadFileRequest in, Metadata metadata) {
    return heard(metadata)
        .answer(
            "bridge-read",
            () -> {
              boolean part = in.hasRange();
              byte[] data =
                  need(in.getRef(), in.getFilePath())
                      .readFile(
                          in.getFilePath(),
                          part ? in.getRange().getOffset() : 0,
                          part && in.getRange().getLength() > 0 ? in.getRange().getLength() : -1);
              return ReadFileResponse.newBuilder().setData(ByteString.copyFrom(data)).build();
            });
  }

  @Override
  public CompletionStage<ReadDirResponse> readDir(ReadDirRequest in, Metadata metadata) {
    return heard(metadata)
        .answer(
            "bridge-read",
            () ->
                ReadDirResponse.newBuilder()
                    .addAllEntries(
                        need(in.getRef(), in.getDirPath())
                            .readDir(in.getDirPath(), in.getIncludePattern()))
                    .build());
  }

  @Override
  public CompletionStage<StatFileResponse> statFile(StatFileRequest in, Metadata metadata) {
    return heard(metadata)
        .answer(
            "bridge-read",
            () ->
                StatFileResponse.newBuilder()
                    .setStat(need(in.getRef(), in.getPath()).statFile(in.getPath()))
                    .build());
  }

  @Override
  public CompletionStage<EvaluateResponse> evaluate(EvaluateRequest in, Metadata metadata) {
    return heard(metadata)
        .answer(
            "bridge-evaluate",
            () -> {
              Optional<FrontendRef> ref = find(in.getRef());
              if (ref.isPresent()) {
                ref.get().evaluate();
              }
              return EvaluateResponse.getDefaultInstance();
            });
  }

  @Override
  public CompletionStage<PongResponse> ping(PingRequest in, Metadata metadata) {
    BuildInfo info = bridge.info();
    return heard(metadata)
        .answer(
            "bridge-ping", // workers look at the machine
            () ->
                PongResponse.newBuilder()
                    .addAllFrontendAPICaps(GatewayMessages.caps(info.frontendCaps()))
                    .addAllLLBCaps(GatewayMessages.caps(info.llbCaps()))
                    .addAllWorkers(workers.get())
                    .build());
  }

  @Override
  public CompletionStage<ReturnResponse> returned(ReturnRequest in, Metadata metadata) {
    if (in.hasError()) {
      answer.completeExceptionally(GrpcErrors.fromProto(in.getError()));
    } else {
      try {
        answer.complete(GatewayMessages.result(in.getResult(), this::find));
      } catch (BuildException e) {
        answer.completeExceptionally(e);
        return CompletableFuture.failedFuture(e);
      }
    }
    return CompletableFuture.completedFuture(ReturnResponse.getDefaultInstance());
  }

  @Override
  public CompletionStage<InputsResponse> inputs(InputsRequest in, Metadata metadata) {
    return CompletableFuture.completedFuture(
        InputsResponse.newBuilder().putAllDefinitions(bridge.inputs()).build());
  }

  @Override
  public CompletionStage<WarnResponse> warn(WarnRequest in, Metadata metadata) {
    try {
      bridge.warn(GatewayMessages.warning(in));
    } catch (BuildException e) {
      return CompletableFuture.failedFuture(e);
    }
    return CompletableFuture.completedFuture(WarnResponse.getDefaultInstance());
  }

  @Override
  public CompletionStage<NewContainerResponse> newContainer(
      NewContainerRequest in, Metadata metadata) {
    return heard(metadata)
        .answer(
            "bridge-container",
            () -> {
              containers.create(in, this::find, told::contains);
              return NewContainerResponse.getDefaultInstance();
            });
  }

  @Override
  public CompletionStage<ReleaseContainerResponse> releaseContainer(
      ReleaseContainerRequest in, Metadata metadata) {
    return heard(metadata)
        .answer(
            "bridge-container",
            () -> {
              containers.release(in.getContainerID());
              return ReleaseContainerResponse.getDefaultInstance();
            });
  }

  @Override
  public Source<ExecMessage, NotUsed> execProcess(
      Source<ExecMessage, NotUsed> in, Metadata metadata) {
    return containers.exec(in);
  }
}
