package dev.kiln.daemon;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Props;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.ConfigFactory;
import dev.kiln.actors.StepFigures;
import dev.kiln.config.ConfigException;
import dev.kiln.config.DaemonConfig;
import dev.kiln.config.DiskSpace;
import dev.kiln.config.GcPolicy;
import dev.kiln.config.WorkerConfig.NetworkConfig;
import dev.kiln.control.Backend;
import dev.kiln.control.ContentService;
import dev.kiln.control.ControlService;
import dev.kiln.control.GcActor;
import dev.kiln.control.HealthService;
import dev.kiln.control.Opening;
import dev.kiln.control.Reflection;
import dev.kiln.control.ReflectionV1;
import dev.kiln.control.ReflectionV1Alpha;
import dev.kiln.control.TraceService;
import dev.kiln.control.Workers;
import dev.kiln.exec.RuncOptions;
import dev.kiln.exec.RuncVersion;
import dev.kiln.exec.cdi.CdiDevices;
import dev.kiln.gateway.Bridges;
import dev.kiln.gateway.LlbBridgeRouter;
import dev.kiln.grpc.content.Content;
import dev.kiln.grpc.control.Control;
import dev.kiln.grpc.gateway.LLBBridge;
import dev.kiln.grpc.health.Health;
import dev.kiln.grpc.services.BridgeMethods;
import dev.kiln.grpc.services.ContentMethods;
import dev.kiln.grpc.services.ControlMethods;
import dev.kiln.grpc.services.HealthMethods;
import dev.kiln.grpc.services.ReflectionV1AlphaMethods;
import dev.kiln.grpc.services.ReflectionV1Methods;
import dev.kiln.grpc.services.TraceMethods;
import dev.kiln.grpc.transport.GrpcServer;
import dev.kiln.model.BuildException;
import dev.kiln.model.Platform;
import dev.kiln.session.Sessions;
import dev.kiln.store.PruneRequest;
import dev.kiln.store.snapshot.OverlaySnapshotter;
import dev.kiln.sys.FileSystems;
import dev.kiln.sys.SearchPath;
import dev.kiln.sys.SyscallException;
import dev.kiln.tracing.Blocking;
import dev.kiln.tracing.Tracing;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts the daemon together: the server at once, what needs the disk behind it. Closing it stops in
 * the reverse order: callers, builds, then what they used.
 */
final class Wiring implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Wiring.class);
  private static final Duration STOP = Duration.ofSeconds(10);
  private static final Duration RUNC = Duration.ofSeconds(20);

  /** The process has its own order of stopping, and its own threads for what blocks. */
  private static final String AKKA =
      """
      akka {
        loglevel = "WARNING"
        stdout-loglevel = "OFF"
        log-dead-letters = off
        log-dead-letters-during-shutdown = off
        jvm-shutdown-hooks = off
        coordinated-shutdown.run-by-jvm-shutdown-hook = off
        coordinated-shutdown.terminate-actor-system = off
        coordinated-shutdown.run-by-actor-system-terminate = off
        scheduler.implementation = "dev.kiln.daemon.QuietScheduler"
        actor.default-dispatcher.fork-join-executor {
          parallelism-min = 2
          parallelism-factor = 1.0
          parallelism-max = 16
        }
      }
      """;

  private final ActorSystem<Void> system;
  private final EventLoopGroup loops;
  private final GrpcServer server;
  private final GrpcServer traces;
  private final Sessions sessions;
  private final Tracing tracing;
  private final CompletableFuture<Void> firstBuild = new CompletableFuture<>();
  private final CompletionStage<Workers> workers;
  private final Blocking.Task<DiskParts> disk;
  private final CompletionStage<?> opened;

  private Wiring(DaemonConfig config, Role role, Optional<Path> traceSocket, Clock clock) {
    // Before anything runs that would have to be stopped again.
    String snapshotter = snapshotter(config);
    Path state = state(config, snapshotter);
    NetworkConfig.Choice network = config.worker().network().choice(System.getenv());
    Path runc = runc(config);
    tracing = tracing(role);
    loops =
        new MultiThreadIoEventLoopGroup(
            Runtime.getRuntime().availableProcessors(),
            new DefaultThreadFactory("grpc", true),
            NioIoHandler.newFactory());
    system =
        ActorSystem.create(
            Behaviors.<Void>empty(),
            "kiln",
            ConfigFactory.parseString(AKKA).withFallback(ConfigFactory.load()));
    sessions = new Sessions();
    var bridges = new Bridges();
    workers =
        Blocking.start(
                "open-worker", () -> workers(config, state, snapshotter, network.label(), clock))
            .done();
    var backend = new CompletableFuture<Backend>();
    var opening = new Opening<>(backend);
    ActorRef<GcActor.Command> gc =
        system.systemActorOf(GcActor.create(opening), "gc", Props.empty());
    Blocking.Task<Boolean> check =
        Blocking.onPlatform("check-runc", () -> !role.kept() || isUsable(runc));
    disk =
        Blocking.onPlatform(
            "open-store",
            () ->
                DiskParts.open(
                    config,
                    state,
                    snapshotter,
                    new DiskParts.Lent(
                        system,
                        loops,
                        sessions,
                        tracing,
                        bridges,
                        new Opening<>(workers).await(),
                        runc,
                        traceSocket,
                        network,
                        rules(config),
                        () -> gc.tell(new GcActor.Soon()),
                        role,
                        clock)));
    opened = disk.done().thenCombine(check.done(), (_, _) -> true);
    disk.done()
        .whenComplete((parts, failure) -> {
          if (failure == null) {
            backend.complete(parts.backend());
          } else {
            check.interrupt();
            backend.completeExceptionally(failure);
          }
        });
    server =
        services(
            new ControlService(
                opening,
                new Opening<>(workers),
                sessions,
                Version.wire(),
                clock,
                () -> firstBuild.complete(null)),
            new ContentService(opening),
            new LlbBridgeRouter(bridges));
    traces =
        GrpcServer.builder(system, loops).add(TraceMethods.of(new TraceService(tracing))).build();
  }

  /**
   * Starts everything; what takes time is under way when this returns.
   *
   * @param traceSocket where steps send spans; absent where they cannot
   * @throws ConfigException where the configuration cannot be followed; nothing is left then
   */
  static Wiring start(DaemonConfig config, Role role, Optional<Path> traceSocket) {
    return new Wiring(config, role, traceSocket, Clock.systemUTC());
  }

  private static Tracing tracing(Role role) {
    try {
      return Tracing.start(role.environment());
    } catch (IllegalArgumentException e) {
      throw new ConfigException("" + e.getMessage(), e);
    }
  }

  /** The runtime that the configuration names, or the first one in PATH. */
  private static Path runc(DaemonConfig config) {
    String binary = config.worker().binary();
    String path = System.getenv().getOrDefault("PATH", "");
    if (binary.isEmpty()) {
      return RuncOptions.findRunc(path)
          .orElseThrow(() ->
              new ConfigException(
                  "no worker: neither buildkit-runc nor runc is in PATH; install runc, or name it"
                      + " with --oci-worker-binary"));
    }
    Optional<Path> named =
        binary.contains("/")
            ? Optional.of(Path.of(binary)).filter(Files::isExecutable)
            : SearchPath.parse(path).find(binary);
    return named.orElseThrow(() ->
        new ConfigException(
            "no worker: "
                + binary
                + (binary.contains("/") ? " is no program" : " is not in PATH")
                + "; install it, or name another one with --oci-worker-binary"));
  }

  private static boolean isUsable(Path runc) throws InterruptedException {
    RuncVersion.of(runc, RUNC).warning().ifPresent(LOG::warn);
    return true;
  }

  private GrpcServer services(
      ControlService control, ContentService content, LlbBridgeRouter bridge) {
    var reflection =
        new Reflection(
            List.of(
                Control.description,
                Content.description,
                Health.description,
                LLBBridge.description,
                dev.kiln.grpc.otlp.TraceService.description,
                dev.kiln.grpc.reflection.v1.ServerReflection.description,
                dev.kiln.grpc.reflection.v1alpha.ServerReflection.description));
    return GrpcServer.builder(system, loops)
        .tracer(tracing.tracer())
        .add(ControlMethods.of(control, control::encodedStatus, control::openSession))
        .add(BridgeMethods.of(bridge))
        .add(ContentMethods.of(content))
        .add(HealthMethods.of(new HealthService()))
        .add(TraceMethods.of(new TraceService(tracing)))
        .add(ReflectionV1Methods.of(new ReflectionV1(reflection)))
        .add(ReflectionV1AlphaMethods.of(new ReflectionV1Alpha(reflection)))
        .build();
  }

  /** {@code auto} is overlayfs where it works, else plain copies. */
  private static String snapshotter(DaemonConfig config) {
    String name = config.worker().snapshotter();
    if (!name.equals("auto")) {
      return name;
    }
    try {
      String chosen = OverlaySnapshotter.isSupported(config.root()) ? "overlayfs" : "native";
      LOG.info("auto snapshotter: using {}", chosen);
      return chosen;
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  private static Path state(DaemonConfig config, String snapshotter) {
    Path state = config.root().resolve("runc-" + snapshotter);
    try {
      Folders.makeState(state);
      return state;
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  private static CdiDevices devices(DaemonConfig config) {
    return config.cdi().disabled()
        ? CdiDevices.NONE
        : new CdiDevices(
            config.cdi().specDirs().stream().map(Path::of).toList(), config.cdi().autoAllowed());
  }

  private static Workers workers(
      DaemonConfig config, Path state, String snapshotter, String network, Clock clock)
      throws IOException {
    var worker = config.worker();
    return Workers.open(
        new Workers.Description(
            state,
            worker.platforms().stream().map(Platform::parse).toList(),
            config.platformsCacheMaxAge(),
            snapshotter,
            network,
            worker.labels(),
            false,
            worker.apparmorProfile(),
            true,
            devices(config),
            rules(config),
            Version.wire()),
        clock);
  }

  /** The collector's rules in bytes of the disk that holds the state. */
  private static List<PruneRequest> rules(DaemonConfig config) {
    if (!config.worker().gc()) {
      return List.of();
    }
    long disk;
    try {
      disk = FileSystems.space(config.root()).totalBytes();
    } catch (SyscallException e) {
      LOG.warn("the size of the disk is unknown: a share of it counts as 2 GB", e);
      disk = 0;
    }
    long bytes = disk;
    return config.worker().policiesFor(disk).stream().map(rule -> rule(rule, bytes)).toList();
  }

  private static PruneRequest rule(GcPolicy rule, long disk) {
    return new PruneRequest(
        rule.filters(),
        rule.all(),
        rule.keepDuration(),
        rule.reservedSpace().map(space -> bytes(space, disk)).orElse(0L),
        rule.maxUsedSpace().map(space -> bytes(space, disk)).orElse(0L),
        rule.minFreeSpace().map(space -> bytes(space, disk)).orElse(0L));
  }

  private static long bytes(DiskSpace space, long disk) {
    return space.bytes(disk);
  }

  GrpcServer server() {
    return server;
  }

  /** Ends when the worker is known, before the state is open. */
  CompletionStage<Workers> workers() {
    return workers;
  }

  /** Ends when a build would work; or cannot ever: then the daemon is of no use. */
  CompletionStage<?> opened() {
    return opened;
  }

  /** Ends when the first client begins to build. */
  CompletionStage<Void> firstBuild() {
    return firstBuild;
  }

  /** Answers at the debug address. */
  DebugServer debug() {
    return new DebugServer(loops, this::values);
  }

  /** What can be counted, by its name; nothing before the state is open. */
  private Map<String, Double> values() {
    CompletableFuture<DiskParts> parts = disk.done().toCompletableFuture();
    if (parts.state() != Future.State.SUCCESS) {
      return Map.of();
    }
    Backend backend = parts.resultNow().backend();
    StepFigures steps = backend.solver().steps();
    return Map.of(
        "kiln_leases_open",
        (double) backend.store().leases().openNames().size(),
        "kiln_steps_slots",
        (double) steps.slots(),
        "kiln_steps_running",
        (double) steps.running(),
        "kiln_steps_waiting",
        (double) steps.waiting(),
        "kiln_steps_beside",
        (double) steps.beside());
  }

  /** Takes spans only, for build steps. */
  GrpcServer traces() {
    return traces;
  }

  @Override
  public void close() {
    server.close();
    traces.close();
    if (!opened.toCompletableFuture().isDone()) {
      disk.interrupt(); // nobody waits for it any more
    }
    try {
      disk.done().toCompletableFuture().get().close();
    } catch (ExecutionException e) {
      LOG.debug("there was nothing to close", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    sessions.close();
    system.terminate();
    try {
      system.getWhenTerminated().toCompletableFuture().get(STOP.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("actors did not end in {}", STOP, e);
    }
    loops.shutdownGracefully(0, STOP.toMillis(), TimeUnit.MILLISECONDS);
    tracing.close();
  }
}
