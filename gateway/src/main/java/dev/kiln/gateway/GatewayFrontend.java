package dev.kiln.gateway;

import akka.actor.ClassicActorSystemProvider;
import dev.kiln.actors.ResultId;
import dev.kiln.exec.ContainerMount;
import dev.kiln.exec.ContainerSpec;
import dev.kiln.exec.ExitStatus;
import dev.kiln.exec.ProcessIo;
import dev.kiln.exec.ProcessSpec;
import dev.kiln.exec.cdi.CdiEdits;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.SourceOp;
import dev.kiln.grpc.services.BridgeMethods;
import dev.kiln.grpc.transport.GrpcServer;
import dev.kiln.grpc.types.WorkerRecord;
import dev.kiln.llb.ExecOp;
import dev.kiln.llb.Frontend;
import dev.kiln.llb.FrontendClient;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.FrontendResult;
import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import dev.kiln.llb.MountOptions;
import dev.kiln.llb.SolveRequest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.StepProgress;
import dev.kiln.mounts.Environment;
import dev.kiln.mounts.PreparedMounts;
import dev.kiln.mounts.StepMounts;
import dev.kiln.store.Lease;
import dev.kiln.store.RefId;
import dev.kiln.sys.WholeFiles;
import dev.kiln.tracing.Blocking;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The frontend {@code gateway.v0}: a program from an image, which speaks to its build over its
 * standard streams (features F-150 to F-162). Any thread; a call blocks until the program has
 * ended.
 */
public final class GatewayFrontend implements Frontend {
  private static final Logger LOG = LoggerFactory.getLogger(GatewayFrontend.class);
  private static final String METADATA = "/run/config/buildkit/metadata";
  private final ClassicActorSystemProvider system;
  private final EventLoopGroup loops;
  private final GatewayContainers.Services services;
  private final Supplier<List<WorkerRecord>> workers;
  private final UnaryOperator<GrpcServer.Builder> moreServices;
  private final List<String> allowedRepositories;

  /**
   * @param moreServices adds what is served beside the bridge, such as health
   * @param allowedRepositories images that may be frontends, tags left out of account; empty for
   *     all
   */
  public GatewayFrontend(
      ClassicActorSystemProvider system,
      EventLoopGroup loops,
      GatewayContainers.Services services,
      Supplier<List<WorkerRecord>> workers,
      UnaryOperator<GrpcServer.Builder> moreServices,
      List<String> allowedRepositories) {
    this.system = system;
    this.loops = loops;
    this.services = services;
    this.workers = workers;
    this.moreServices = moreServices;
    this.allowedRepositories =
        allowedRepositories.stream().map(name -> ImageRef.parse(name).repository()).toList();
  }

  /** The program: its file system, what its image says, and how it was defined. */
  private record Program(FrontendRef ref, FrontendImage image, Optional<Digest> manifest) {}

  @Override
  public FrontendResult solve(
      FrontendClient client, Map<String, String> opts, Map<String, Definition> inputs)
      throws InterruptedException {
    String source = opts.get("source");
    if (source == null) {
      throw new BuildException(Kind.INVALID, "no source specified for gateway");
    }
    if (!(client instanceof BuildBridge bridge)) {
      throw new IllegalStateException("a client that is no build's bridge: " + client);
    }
    checkAllowed(source);
    Program program =
        opts.containsKey("gateway-devel")
            ? development(bridge, source, opts, inputs)
            : image(bridge, source, opts);
    program
        .image()
        .requireCaps(opts.getOrDefault("frontend.caps", ""), !inputs.isEmpty(), program.manifest());
    return run(bridge.withInputs(inputs), program, opts);
  }

  private void checkAllowed(String source) {
    if (!allowedRepositories.isEmpty()
        && !allowedRepositories.contains(ImageRef.parse(source).repository())) {
      throw new BuildException(Kind.DENIED, "'" + source + "' is not an allowed gateway source");
    }
  }

  /** The frontend is itself built by another one. */
  private static Program development(
      BuildBridge bridge, String source, Map<String, String> opts, Map<String, Definition> inputs)
      throws InterruptedException {
    FrontendResult built =
        bridge.solve(
            new SolveRequest(
                Optional.empty(),
                source,
                FrontendImage.withPrefixCut(opts, "gateway-"),
                inputs,
                List.of(),
                false,
                List.of()));
    FrontendRef ref =
        built
            .ref()
            .orElseThrow(() ->
                new BuildException(
                    Kind.INVALID, "development gateway didn't return default result"));
    byte[] config = built.metadata().get("containerimage.config");
    return new Program(ref, FrontendImage.of(Optional.ofNullable(config)), Optional.empty());
  }

  private static Program image(BuildBridge bridge, String source, Map<String, String> opts)
      throws InterruptedException {
    Platform platform = bridge.info().defaultPlatform();
    ImageMeta meta =
        bridge.resolveImage(
            new ImageQuery(
                ImageRef.parseNormalized(named(source, opts)).toString(),
                Optional.empty(),
                "",
                ""));
    ImageRef pinned = ImageRef.parseNormalized(meta.ref()).withDigest(meta.digest());
    FrontendRef ref =
        bridge
            .solve(SolveRequest.of(definition(pinned, platform)))
            .ref()
            .orElseThrow(() ->
                new BuildException(Kind.INVALID, "gateway source didn't return default result"));
    return new Program(
        ref, FrontendImage.of(Optional.of(meta.config())), Optional.of(meta.digest()));
  }

  /** The image that the client gives under the source's name, or the name itself. */
  private static String named(String source, Map<String, String> opts) {
    ImageRef ref = ImageRef.parse(source);
    String familiar = ref.familiar();
    String name =
        familiar.endsWith(":latest")
            ? familiar.substring(0, familiar.length() - ":latest".length())
            : familiar;
    String given = opts.get("context:" + name);
    if (given == null) {
      return source;
    }
    if (!given.startsWith("docker-image://")) {
      throw new BuildException(
          Kind.UNSUPPORTED,
          "the frontend " + source + " can be replaced by an image only, not by " + given);
    }
    return given.substring("docker-image://".length());
  }

  private static Definition definition(ImageRef image, Platform platform) {
    Op op =
        Op.newBuilder()
            .setSource(
                SourceOp.newBuilder()
                    .setIdentifier("docker-image://" + image)
                    .putAttrs("image.recordtype", "frontend"))
            .setPlatform(GatewayMessages.platform(platform))
            .build();
    Op last =
        Op.newBuilder()
            .addInputs(Input.newBuilder().setDigest(Digest.of(op.toByteArray()).value()))
            .build();
    return Definition.newBuilder().addDef(op.toByteString()).addDef(last.toByteString()).build();
  }

  private FrontendResult run(BuildBridge bridge, Program program, Map<String, String> opts)
      throws InterruptedException {
    if (!(program.ref() instanceof BridgeRef built)) {
      throw new IllegalStateException("a ref of another bridge");
    }
    Optional<RefId> state = built.solve().result().map(ResultId::value).map(RefId::new);
    String id = UUID.randomUUID().toString().replace("-", "");
    String session = bridge.info().sessionId();
    try (Lease lease = services.store().leases().open("frontend-" + id);
        PreparedMounts mounts = services.mounts().prepare(rootOnly(id, state, lease, session));
        var containers =
            new GatewayContainers(services, id, List.of(session), bridge.entitlements())) {
      var llbBridge = new LlbBridge(bridge, workers, containers);
      Path metadata = Files.createTempDirectory("kiln-frontend-");
      try {
        WholeFiles.write(
            metadata.resolve("frontend.bin"), program.ref().definition().toByteArray());
        ExitStatus status =
            serve(
                llbBridge,
                container(id, mounts, metadata, program.image()),
                process(program.image(), opts, session));
        return answer(llbBridge, status);
      } finally {
        Files.deleteIfExists(metadata.resolve("frontend.bin"));
        Files.deleteIfExists(metadata);
      }
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  private StepMounts.Request rootOnly(
      String id, Optional<RefId> state, Lease lease, String session) {
    var root =
        new ExecOp.Mount(
            ExecOp.ROOT,
            OptionalInt.of(0),
            "",
            OptionalInt.of(0),
            false,
            new MountOptions.Bind(),
            "",
            ExecOp.ContentCache.DEFAULT);
    return new StepMounts.Request(
        "frontend " + id,
        "",
        List.of(root),
        List.of(state),
        lease,
        services.sessions().group(List.of(session)),
        StepProgress.NONE);
  }

  private static ContainerSpec container(
      String id, PreparedMounts mounts, Path metadata, FrontendImage image) {
    return new ContainerSpec(
        id,
        mounts.rootfs(),
        false,
        List.of(
            new ContainerMount.Bind(
                METADATA, metadata, "", true, List.of("nosuid", "nodev", "noexec"))),
        image.wantsNoNetwork() ? ContainerSpec.NetworkMode.NONE : ContainerSpec.NetworkMode.SANDBOX,
        ContainerSpec.Security.SANDBOX,
        "",
        List.of(),
        List.of(),
        Optional.empty(),
        true,
        false,
        CdiEdits.NONE);
  }

  private ProcessSpec process(FrontendImage image, Map<String, String> opts, String session) {
    var env = new ArrayList<>(image.environment(opts, session, workers.get()));
    Environment.addDefault(env, "PATH", Environment.DEFAULT_PATH);
    return new ProcessSpec(image.args(), env, image.cwd(), "", false);
  }

  /** Runs the program with its standard streams as a connection to the bridge. */
  private ExitStatus serve(LlbBridge bridge, ContainerSpec container, ProcessSpec process)
      throws InterruptedException {
    try (GrpcServer server =
        moreServices
            .apply(GrpcServer.builder(system, loops).add(BridgeMethods.of(bridge)))
            .build()) {
      var pipe = new FrontendPipe();
      server.serve(pipe);
      ProcessIo io =
          pipe.io(bytes ->
              LOG.info("frontend: {}", new String(bytes, StandardCharsets.UTF_8).stripTrailing()));
      Blocking.Task<ExitStatus> task =
          services
              .workers()
              .beside(
                  "frontend-" + container.id(),
                  () -> services.executor().run(container, process, io, _ -> {}));
      return await(task);
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  /** Waits for the program; an interrupt ends it first. */
  private static ExitStatus await(Blocking.Task<ExitStatus> task) throws InterruptedException {
    boolean interrupted = false;
    while (true) {
      try {
        ExitStatus status = task.done().toCompletableFuture().get();
        if (interrupted) {
          throw new InterruptedException("the frontend was ended");
        }
        return status;
      } catch (ExecutionException e) {
        if (interrupted || e.getCause() instanceof InterruptedException) {
          throw new InterruptedException("the frontend was ended");
        }
        throw BuildException.of(e);
      } catch (InterruptedException e) {
        if (interrupted) {
          throw e;
        }
        interrupted = true;
        task.interrupt();
      }
    }
  }

  /** An error that it returned wins over its exit code, and that over a result. */
  private static FrontendResult answer(LlbBridge bridge, ExitStatus status)
      throws InterruptedException {
    var answer = bridge.answer().toCompletableFuture();
    if (answer.isCompletedExceptionally() || answer.isDone() && status.code() == 0) {
      try {
        return answer.get();
      } catch (ExecutionException e) {
        throw GrpcErrors.toBuild(e);
      }
    }
    if (status.code() != 0) {
      throw new BuildException(Kind.UNKNOWN, "exit code: " + status.code())
          .with(new Detail.ProcessExited(status.code()));
    }
    throw new BuildException(Kind.UNKNOWN, "no result for incomplete build");
  }
}
