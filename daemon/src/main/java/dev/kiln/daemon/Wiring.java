package dev.kiln.daemon;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.ConfigFactory;
import dev.kiln.config.DaemonConfig;
import dev.kiln.config.DiskSpace;
import dev.kiln.config.GcPolicy;
import dev.kiln.control.Backend;
import dev.kiln.control.ContentService;
import dev.kiln.control.ControlService;
import dev.kiln.control.HealthService;
import dev.kiln.control.Opening;
import dev.kiln.control.Reflection;
import dev.kiln.control.ReflectionV1;
import dev.kiln.control.ReflectionV1Alpha;
import dev.kiln.control.TraceService;
import dev.kiln.control.Workers;
import dev.kiln.grpc.content.Content;
import dev.kiln.grpc.content.ContentPowerApiHandlerFactory;
import dev.kiln.grpc.control.Control;
import dev.kiln.grpc.control.ControlPowerApiHandlerFactory;
import dev.kiln.grpc.health.Health;
import dev.kiln.grpc.health.HealthPowerApiHandlerFactory;
import dev.kiln.grpc.otlp.TraceServicePowerApiHandlerFactory;
import dev.kiln.grpc.transport.GrpcServer;
import dev.kiln.model.Platform;
import dev.kiln.session.Sessions;
import dev.kiln.store.PruneRequest;
import dev.kiln.sys.FileSystems;
import dev.kiln.sys.SyscallException;
import dev.kiln.tracing.Blocking;
import dev.kiln.tracing.Tracing;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
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

  /** The process has its own order of stopping, and its own threads for what blocks. */
  private static final String AKKA =
      """
      akka {
        loglevel = "%s"
        stdout-loglevel = "OFF"
        log-dead-letters = off
        log-dead-letters-during-shutdown = off
        jvm-shutdown-hooks = off
        coordinated-shutdown.run-by-jvm-shutdown-hook = off
        coordinated-shutdown.terminate-actor-system = off
        coordinated-shutdown.run-by-actor-system-terminate = off
        actor.default-dispatcher.fork-join-executor {
          parallelism-min = 2
          parallelism-factor = 1.0
          parallelism-max = 16
        }
      }
      """;

  private final ActorSystem<Void> system;
  private final GrpcServer server;
  private final Sessions sessions;
  private final Tracing tracing;

  private Wiring(ActorSystem<Void> system, GrpcServer server, Sessions sessions, Tracing tracing) {
    this.system = system;
    this.server = server;
    this.sessions = sessions;
    this.tracing = tracing;
  }

  static Wiring start(DaemonConfig config) {
    Clock clock = Clock.systemUTC();
    ActorSystem<Void> system =
        ActorSystem.create(
            Behaviors.<Void>empty(),
            "kiln",
            ConfigFactory.parseString(AKKA.formatted("WARNING"))
                .withFallback(ConfigFactory.load()));
    Tracing tracing = Tracing.start(System.getenv());
    var sessions = new Sessions();
    Opening<Workers> workers =
        new Opening<>(Blocking.start("open-worker", () -> workers(config, clock)).done());
    Opening<Backend> backend =
        new Opening<>(
            java.util.concurrent.CompletableFuture.failedFuture(
                new IllegalStateException("no store yet")));
    var reflection =
        new Reflection(
            List.of(
                Control.description,
                Content.description,
                Health.description,
                dev.kiln.grpc.otlp.TraceService.description,
                dev.kiln.grpc.reflection.v1.ServerReflection.description,
                dev.kiln.grpc.reflection.v1alpha.ServerReflection.description));
    GrpcServer server =
        GrpcServer.builder(system)
            .add(
                Control.description,
                ControlPowerApiHandlerFactory.create(
                    new ControlService(backend, workers, sessions, Version.wire(), clock),
                    GrpcServer.errors(),
                    system))
            .add(
                Content.description,
                ContentPowerApiHandlerFactory.create(
                    new ContentService(backend), GrpcServer.errors(), system))
            .add(
                Health.description,
                HealthPowerApiHandlerFactory.create(
                    new HealthService(), GrpcServer.errors(), system))
            .add(
                dev.kiln.grpc.otlp.TraceService.description,
                TraceServicePowerApiHandlerFactory.create(
                    new TraceService(tracing), GrpcServer.errors(), system))
            .add(
                dev.kiln.grpc.reflection.v1.ServerReflection.description,
                dev.kiln.grpc.reflection.v1.ServerReflectionPowerApiHandlerFactory.create(
                    new ReflectionV1(reflection), GrpcServer.errors(), system))
            .add(
                dev.kiln.grpc.reflection.v1alpha.ServerReflection.description,
                dev.kiln.grpc.reflection.v1alpha.ServerReflectionPowerApiHandlerFactory.create(
                    new ReflectionV1Alpha(reflection), GrpcServer.errors(), system))
            .build();
    return new Wiring(system, server, sessions, tracing);
  }

  private static Workers workers(DaemonConfig config, Clock clock) throws IOException {
    var worker = config.worker();
    Path state = config.root().resolve("runc-overlayfs");
    Workers opened =
        Workers.open(
            new Workers.Description(
                state,
                worker.platforms().stream().map(Platform::parse).toList(),
                config.platformsCacheMaxAge(),
                "overlayfs",
                "host",
                worker.labels(),
                worker.selinux(),
                worker.apparmorProfile(),
                !worker.noProcessSandbox(),
                rules(config),
                Version.wire()),
            clock);
    LOG.info(
        "found worker \"{}\", labels={}, platforms={}",
        opened.id(),
        opened.labels(),
        opened.platforms().stream().map(Platform::format).toList());
    LOG.info("found 1 workers, default=\"{}\"", opened.id());
    return opened;
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
      LOG.warn("the size of the disk is unknown: rules in percent do not hold", e);
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

  @Override
  public void close() {
    server.close();
    sessions.close();
    system.terminate();
    try {
      system.getWhenTerminated().toCompletableFuture().get(STOP.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (java.util.concurrent.ExecutionException | TimeoutException e) {
      LOG.warn("actors did not end in {}", STOP, e);
    }
    tracing.close();
  }
}
