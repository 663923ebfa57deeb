package dev.kiln.exec;

import dev.kiln.exec.ContainerSpec.NetworkMode;
import dev.kiln.exec.ContainerSpec.Security;
import dev.kiln.exec.Networks.Network;
import dev.kiln.exec.RuntimeSpec.OciMount;
import dev.kiln.exec.usage.StepMeasure;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.RefusedFileException;
import dev.kiln.sys.WholeFiles;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs containers by runc. Any thread. It owns a directory with a bundle per container and runc's
 * own state, and clears at start what a killed daemon has left there.
 */
public final class RuncExecutor implements Executor {
  private static final Logger LOG = LoggerFactory.getLogger(RuncExecutor.class);
  private static final long LOOK_AGAIN_MILLIS = 10;

  private final RuncOptions options;
  private final Runc runc;
  private final Cgroups cgroups = new Cgroups();
  private final RuntimeSpec.Host host;
  private final NameFiles names;
  private final Path bundles;
  private final Map<String, Running> running = new ConcurrentHashMap<>();
  private volatile boolean closed;

  /** A container under way; {@code ended} opens when its main process is gone. */
  private record Running(
      RuntimeSpec spec, Path bundle, Thread runner, CountDownLatch ended, AtomicInteger execs) {}

  /**
   * @throws IOException when the directory cannot be used; leftovers that resist are only logged
   */
  public RuncExecutor(RuncOptions options) throws IOException {
    this.options = options;
    Path root = Directories.makePrivate(options.root()).toRealPath();
    this.bundles = root.resolve("bundles");
    this.runc = new Runc(options.runc(), root.resolve("runc"));
    new Leftovers(runc, cgroups, bundles).clear();
    Directories.makePrivate(bundles);
    Directories.makePrivate(runc.state());
    this.names = new NameFiles(root, options.dns());
    this.host =
        new RuntimeSpec.Host(
            Seccomp.supported() ? Seccomp.profile() : "",
            cgroups.unified(),
            Devices.capabilities(Files.readString(Path.of("/proc/self/status"))),
            options.apparmorProfile(),
            options.oomScoreAdj(),
            options.openFiles());
  }

  @Override
  public ExitStatus run(
      ContainerSpec container, ProcessSpec process, ProcessIo io, Consumer<RunningProcess> started)
      throws InterruptedException {
    try (Network network = options.networks().open(container.network(), container.hostname())) {
      return run(container, process, io, started, network);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private ExitStatus run(
      ContainerSpec container,
      ProcessSpec process,
      ProcessIo io,
      Consumer<RunningProcess> started,
      Network network)
      throws IOException, InterruptedException {
    String id = container.id();
    Path bundle = Directories.makePrivate(bundles.resolve(id));
    try (MountSources sources = new MountSources(bundle);
        RootFiles files = RootFiles.open(container.rootfs())) {
      var points = new ArrayList<MountStubs.Point>();
      points.add(new MountStubs.Point("/etc/resolv.conf", false));
      points.add(new MountStubs.Point("/etc/hosts", false));
      List<OciMount> ofDevices = DeviceEdits.mounts(container.devices(), points);
      List<OciMount> own = sources.prepare(container.mounts(), points);
      Users.User user = user(files, process.user());
      String cgroupsPath =
          cgroups.pathOf(container.cgroupParent().or(options::cgroupParent).orElse(""), id);
      Optional<Cgroups.Kept> kept = cgroups.keep(cgroupsPath);
      WholeFiles.write(bundle.resolve(Leftovers.CGROUP_FILE), cgroupsPath);
      var spec =
          new RuntimeSpec(
              container,
              traced(withDirectory(process, "/")),
              user,
              network,
              RuntimeSpec.allMounts(
                  names.resolvConf(container.network() == NetworkMode.HOST),
                  names.hosts(container, bundle),
                  container.security() == Security.INSECURE,
                  ofDevices,
                  own,
                  options.traceSocket().flatMap(StepTracing::mount)),
              kept.map(Cgroups.Kept::runcPath).orElse(cgroupsPath),
              host);
      MountStubs stubs = MountStubs.make(files, points, container.removeStubsRecursive());
      try {
        BytePath cwd = files.resolve(spec.process().cwd());
        files.makeDirectories(cwd, (int) user.uid(), (int) user.gid());
        WholeFiles.write(bundle.resolve("config.json"), spec.config());
        return run(spec, bundle, io, started, kept);
      } finally {
        stubs.remove();
        removeCgroup(kept);
      }
    } finally {
      removeBundle(bundle);
    }
  }

  private ExitStatus run(
      RuntimeSpec spec,
      Path bundle,
      ProcessIo io,
      Consumer<RunningProcess> started,
      Optional<Cgroups.Kept> kept)
      throws IOException, InterruptedException {
    String id = spec.container().id();
    var entry =
        new Running(
            spec, bundle, Thread.currentThread(), new CountDownLatch(1), new AtomicInteger());
    if (running.putIfAbsent(id, entry) != null) {
      throw new BuildException(Kind.ALREADY_EXISTS, "container " + id + " exists");
    }
    try {
      if (closed) {
        throw new InterruptedException("the executor is closed");
      }
      RuncProcess process =
          RuncProcess.start(
              runc.run(id, bundle, options.noPivot()),
              spec.process().terminal(),
              io,
              id,
              runcPid -> runc.killInit(id, runcPid, kept));
      started.accept(process);
      Optional<StepMeasure> measure =
          kept.filter(_ -> spec.container().measure()).map(k -> new StepMeasure(k.directory()));
      int code;
      try {
        code = process.await();
      } finally {
        measure.ifPresent(StepMeasure::close);
        runc.deleteIfLeft(id);
      }
      boolean outOfMemory = code != 0 && kept.map(Cgroups.Kept::oomKills).orElse(0L) > 0;
      return new ExitStatus(code, outOfMemory, measure.map(StepMeasure::usage));
    } finally {
      running.remove(id, entry);
      entry.ended().countDown();
    }
  }

  @Override
  public ExitStatus exec(
      String containerId, ProcessSpec process, ProcessIo io, Consumer<RunningProcess> started)
      throws InterruptedException {
    Running container = running.get(containerId);
    if (container == null) {
      throw new BuildException(Kind.NOT_FOUND, "container " + containerId + " not found");
    }
    while (!runc.isRunning(containerId)) {
      if (container.ended().await(LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS)) {
        throw new BuildException(Kind.NOT_FOUND, "container " + containerId + " has stopped");
      }
    }
    int number = container.execs().incrementAndGet();
    Path processFile = container.bundle().resolve("process-" + number + ".json");
    Path pidFile = container.bundle().resolve("pid-" + number);
    try {
      RuntimeSpec main = container.spec();
      Users.User user = main.user();
      if (!process.user().isEmpty()) {
        try (RootFiles files = RootFiles.open(main.container().rootfs())) {
          user = user(files, process.user());
        }
      }
      ProcessSpec complete =
          new ProcessSpec(
              process.args(),
              process.env().isEmpty() ? main.process().env() : process.env(),
              process.cwd().isEmpty() ? main.process().cwd() : process.cwd(),
              process.user(),
              process.terminal());
      WholeFiles.write(processFile, main.processConfig(complete, user));
      RuncProcess running =
          RuncProcess.start(
              runc.exec(containerId, processFile, pidFile),
              process.terminal(),
              io,
              containerId + "-" + number,
              runcPid -> Runc.killChild(pidFile, runcPid));
      started.accept(running);
      return new ExitStatus(running.await());
    } catch (IOException e) {
      throw failure(e);
    } finally {
      deleteQuietly(processFile);
      deleteQuietly(pidFile);
    }
  }

  /** An interrupt closes the JDK's file channels under the one who writes. */
  private static BuildException failure(IOException e) throws InterruptedException {
    if (e instanceof ClosedByInterruptException) {
      Thread.interrupted();
      throw new InterruptedException("interrupted before the process had started");
    }
    return BuildException.of(e);
  }

  private static Users.User user(RootFiles files, String name) throws IOException {
    try {
      return Users.resolve(
          name, files.accounts("/etc/passwd").orElse(""), files.accounts("/etc/group").orElse(""));
    } catch (RefusedFileException e) { // also where a number is all that counts: runc reads it too
      throw new BuildException(Kind.INVALID, e.path() + e.why(), e);
    }
  }

  private static ProcessSpec withDirectory(ProcessSpec p, String otherwise) {
    return p.cwd().isEmpty()
        ? new ProcessSpec(p.args(), p.env(), otherwise, p.user(), p.terminal())
        : p;
  }

  private ProcessSpec traced(ProcessSpec p) {
    return options.traceSocket().isPresent() ? p.with(StepTracing.environment()) : p;
  }

  private static void removeCgroup(Optional<Cgroups.Kept> kept) {
    try {
      if (kept.isPresent()) {
        kept.get().remove();
      }
    } catch (IOException e) {
      LOG.warn("a cgroup stays: {}", e.getMessage());
    }
  }

  private static void removeBundle(Path bundle) {
    try {
      Leftovers.removeFlat(bundle);
    } catch (IOException e) {
      LOG.warn("bundle {} stays: {}", bundle, e.getMessage());
    }
  }

  private static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.debug("{} stays until its container ends", file);
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Running r : List.copyOf(running.values())) {
      r.runner().interrupt();
      boolean ended = false;
      while (!ended) {
        try {
          r.ended().await();
          ended = true;
        } catch (InterruptedException e) {
          LOG.debug("closing goes on until the containers have ended");
        }
      }
    }
  }
}
