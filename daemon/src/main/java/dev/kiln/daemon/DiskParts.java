package dev.kiln.daemon;

import akka.actor.typed.ActorSystem;
import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.kiln.actors.LogLimits;
import dev.kiln.actors.Solver;
import dev.kiln.actors.SolverOptions;
import dev.kiln.actors.SolverPorts;
import dev.kiln.actors.StepLimits;
import dev.kiln.config.DaemonConfig;
import dev.kiln.config.RegistryConfig;
import dev.kiln.config.WorkerConfig.NetworkConfig;
import dev.kiln.control.Backend;
import dev.kiln.control.Collector;
import dev.kiln.control.HealthService;
import dev.kiln.control.RunningBuilds;
import dev.kiln.control.SolveBuilds;
import dev.kiln.control.WireProgress;
import dev.kiln.control.Workers;
import dev.kiln.control.history.BuildHistory;
import dev.kiln.dockerfile.DockerfileFrontend;
import dev.kiln.exec.ContainerSpec;
import dev.kiln.exec.Networks;
import dev.kiln.exec.RuncExecutor;
import dev.kiln.exec.RuncOptions;
import dev.kiln.exec.TracedExecutor;
import dev.kiln.exec.cni.Sandboxes;
import dev.kiln.exporters.Exporters;
import dev.kiln.gateway.Bridges;
import dev.kiln.gateway.GatewayContainers;
import dev.kiln.gateway.GatewayFrontend;
import dev.kiln.gateway.StoreRefFiles;
import dev.kiln.grpc.services.HealthMethods;
import dev.kiln.llb.Frontend;
import dev.kiln.mounts.StepMounts;
import dev.kiln.ops.CacheKeyFile;
import dev.kiln.ops.LocalResults;
import dev.kiln.ops.Runners;
import dev.kiln.ops.StoreLeases;
import dev.kiln.ops.exec.Emulators;
import dev.kiln.ops.exec.ExecOpRunner;
import dev.kiln.ops.exec.ExecServices;
import dev.kiln.ops.exec.StepUsages;
import dev.kiln.registry.Credentials;
import dev.kiln.registry.Registry;
import dev.kiln.registry.RegistryHosts;
import dev.kiln.remotecache.RemoteCaches;
import dev.kiln.session.ClientAuth;
import dev.kiln.session.Sessions;
import dev.kiln.sources.SessionCredentials;
import dev.kiln.sources.Sources;
import dev.kiln.store.LocalStore;
import dev.kiln.store.PruneRequest;
import dev.kiln.store.StoreOptions;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Processes;
import dev.kiln.tracing.Tracing;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.helpers.NOPLogger;

/**
 * What needs the disk: the store, the executor, the solver and what runs on them, opened off the
 * boot path. Closing it closes them in reverse order. One thread opens, one closes.
 */
final class DiskParts implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DiskParts.class);
  private static final Logger BUILDS = LoggerFactory.getLogger(SolveBuilds.class);
  private static final Duration LAST_BUILDS = Duration.ofSeconds(10);

  /** What the rest of the daemon lends. */
  record Lent(
      ActorSystem<?> system,
      EventLoopGroup loops,
      Sessions sessions,
      Tracing tracing,
      Bridges bridges,
      Workers workers,
      Path runc,
      Optional<Path> traceSocket,
      NetworkConfig.Choice network,
      List<PruneRequest> gcRules,
      Runnable gcSoon,
      Role role,
      Clock clock) {}

  private final Deque<AutoCloseable> open;
  private final RunningBuilds builds;
  private final Backend backend;

  private DiskParts(
      DaemonConfig config, Path state, String snapshotter, Lent lent, Deque<AutoCloseable> open)
      throws IOException {
    this.open = open;
    StoreOptions options = StoreOptions.of(state, snapshotter);
    LocalStore store = opened(LocalStore.open(lent.role().kept() ? options : options.unsynced()));
    CacheKeyFile keys = opened(CacheKeyFile.open(config.root().resolve("cache.db")));
    RuncOptions runc = runc(config, state.resolve("executor"), lent);
    var executor = new TracedExecutor(new RuncExecutor(runc));
    var mounts = new StepMounts(store.refs(), state.resolve("mounts"));
    Registry registry = opened(new Registry(hosts(config.registries()), Version.userAgent()));
    var auth = new ClientAuth();
    Sources sources =
        opened(
            new Sources(
                store,
                lent.sessions(),
                auth,
                registry,
                lent.workers().platforms().getFirst(),
                Version.userAgent()));
    var execs =
        new ExecServices(
            store.refs(),
            executor,
            mounts,
            lent.sessions(),
            lent.workers().devices(),
            new Emulators(lent.workers()::runnable, System.getenv().getOrDefault("PATH", "")),
            new StepUsages());
    var runners =
        new Runners(
            store,
            sources,
            (vertex, op) -> new ExecOpRunner(execs, vertex, op),
            lent.workers().platforms().getFirst());
    Path progress = state.resolve("progress");
    clear(progress);
    int most = config.worker().maxParallelism();
    Solver solver =
        Solver.start(
            lent.system(),
            new SolverPorts(
                runners,
                keys,
                new LocalResults(),
                new StoreLeases(store),
                new WireProgress(),
                lent.tracing().tracer()),
            new SolverOptions(
                StepLimits.of(
                    most == 0 ? OptionalInt.empty() : OptionalInt.of(most), Processes::runnable),
                progress,
                LogLimits.of(System.getenv())));
    store.refs().onRemoved(ref -> solver.dropped(List.of(StoreLeases.result(ref))));
    BuildHistory history =
        opened(
            BuildHistory.open(
                config.root().resolve("history.db"),
                store.leases(),
                digest -> store.content().info(digest).map(_ -> store.content().read(digest)),
                new BuildHistory.Limits(config.history().maxAge(), config.history().maxEntries()),
                lent.clock()));
    Function<List<String>, Credentials> credentials =
        ids -> new SessionCredentials(auth, lent.sessions().group(ids));
    var containers =
        new GatewayContainers.Services(store, executor, mounts, lent.sessions(), solver);
    this.builds =
        new RunningBuilds(
            lent.role()
                .around()
                .apply(
                    new SolveBuilds(
                        new SolveBuilds.Parts(
                            solver,
                            store,
                            sources,
                            runners.materials(),
                            execs.usages(),
                            lent.sessions(),
                            new Exporters(store, lent.sessions(), registry, credentials),
                            new RemoteCaches(
                                store,
                                registry,
                                lent.sessions(),
                                credentials,
                                StoreLeases::of,
                                System.getenv(),
                                Version.userAgent(),
                                lent.clock()),
                            frontends(config, lent, containers),
                            new StoreRefFiles(store.refs()),
                            lent.bridges(),
                            (job, scope) ->
                                new GatewayContainers(
                                    containers,
                                    job.id(),
                                    List.of(scope.sessionId()),
                                    scope.entitlements()),
                            history,
                            lent.tracing(),
                            lent.workers().platforms(),
                            () -> lent.workers().list(List.of()),
                            allowed(config),
                            lent.workers().deviceRegistry(),
                            lent.gcSoon(),
                            lent.role().kept() ? BUILDS : NOPLogger.NOP_LOGGER,
                            lent.clock()))));
    this.backend =
        new Backend(
            store,
            solver,
            history,
            builds,
            new Collector(
                store.refs(), lent.gcRules(), lent.gcSoon(), builds::none, sources::forgetRecent));
  }

  /**
   * Opens everything, or leaves nothing open. Blocks on the disk.
   *
   * @param state folder of the worker
   */
  static DiskParts open(DaemonConfig config, Path state, String snapshotter, Lent lent)
      throws IOException {
    var open = new ArrayDeque<AutoCloseable>();
    try {
      return new DiskParts(config, state, snapshotter, lent, open);
    } catch (IOException | RuntimeException | Error e) {
      closeAll(open);
      throw e;
    }
  }

  Backend backend() {
    return backend;
  }

  private <T extends AutoCloseable> T opened(T part) {
    open.push(part);
    return part;
  }

  private static Map<String, Frontend> frontends(
      DaemonConfig config, Lent lent, GatewayContainers.Services containers) {
    var all = new HashMap<String, Frontend>();
    if (config.frontends().dockerfile()) {
      all.put("dockerfile.v0", new DockerfileFrontend());
    }
    if (config.frontends().gateway()) {
      all.put(
          "gateway.v0",
          new GatewayFrontend(
              lent.system(),
              lent.loops(),
              containers,
              () -> lent.workers().list(List.of()),
              services -> services.add(HealthMethods.of(new HealthService())),
              config.frontends().gatewayRepositories()));
    }
    return all;
  }

  /** Devices may be granted where there are any to be had (features A-82). */
  private static List<String> allowed(DaemonConfig config) {
    var allowed = new ArrayList<>(config.insecureEntitlements());
    if (!config.cdi().disabled()) {
      allowed.add("device");
    }
    return allowed;
  }

  private RuncOptions runc(DaemonConfig config, Path folder, Lent lent) throws IOException {
    return new RuncOptions(
        folder,
        lent.runc(),
        networks(config, lent.network()),
        new RuncOptions.Dns(
            config.dns().nameservers(), config.dns().options(), config.dns().searchDomains()),
        Optional.of(config.worker().defaultCgroupParent()).filter(parent -> !parent.isEmpty()),
        config.worker().apparmorProfile(),
        false,
        OptionalInt.empty(),
        openFiles(System.getProperty("kiln.nofile", "")),
        lent.traceSocket().map(Path::toAbsolutePath));
  }

  /**
   * The limits under which the launcher was started, {@code soft:hard}: the JVM raises its own, and
   * a step that may open a million files is slow where it closes all that it might have.
   */
  private static Optional<ContainerSpec.Ulimit> openFiles(String limits) {
    Matcher numbers = Pattern.compile("(\\d{1,18}):(\\d{1,18})").matcher(limits);
    return numbers.matches()
        ? Optional.of(
            new ContainerSpec.Ulimit(
                "nofile", Long.parseLong(numbers.group(1)), Long.parseLong(numbers.group(2))))
        : Optional.empty();
  }

  private Networks networks(DaemonConfig config, NetworkConfig.Choice choice) throws IOException {
    NetworkConfig network = config.worker().network();
    Path namespaces = config.root().resolve("net");
    if (choice == NetworkConfig.Choice.CNI || choice == NetworkConfig.Choice.BRIDGE) {
      Folders.makeState(namespaces);
    }
    var place =
        new Sandboxes.Place(
            namespaces, Path.of(network.cniBinaryPath()), network.cniPoolSize(), System.getenv());
    return switch (choice) {
      case HOST -> Networks.hostByDefault();
      case NONE -> Networks.noneByDefault();
      case CNI -> Networks.of(opened(Sandboxes.cni(place, Path.of(network.cniConfigPath()))));
      case BRIDGE ->
          Networks.of(
              opened(Sandboxes.bridge(place, network.bridgeName(), network.bridgeSubnet())));
    };
  }

  private static RegistryHosts hosts(Map<String, RegistryConfig> configured) {
    var hosts = new HashMap<String, RegistryHosts.Host>();
    configured.forEach((name, host) ->
        hosts.put(
            name,
            new RegistryHosts.Host(
                host.mirrors(),
                host.http(),
                host.insecure(),
                host.caFiles().stream().map(Path::of).toList(),
                host.keyPairs().stream()
                    .map(pair ->
                        new RegistryHosts.KeyPair(
                            Path.of(pair.keyFile()), Path.of(pair.certFile())))
                    .toList(),
                host.tlsConfigDirs().stream().map(Path::of).toList())));
    return new RegistryHosts(hosts);
  }

  /** Logs of the builds that a killed daemon left. */
  private static void clear(Path folder) throws IOException {
    Directories.makePrivate(folder);
    try (var left = Files.newDirectoryStream(folder)) {
      for (Path file : left) {
        Files.delete(file);
      }
    }
  }

  @Override
  public void close() {
    try {
      if (!builds.awaitNone(LAST_BUILDS)) {
        LOG.warn("builds did not end within {}", LAST_BUILDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    closeAll(open);
  }

  private static void closeAll(Deque<AutoCloseable> open) {
    while (!open.isEmpty()) {
      AutoCloseable part = open.pop();
      try {
        part.close();
      } catch (Exception e) {
        LOG.warn("{} was not closed cleanly", part.getClass().getSimpleName(), e);
      }
    }
  }
}
