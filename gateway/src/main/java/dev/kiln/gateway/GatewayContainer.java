package dev.kiln.gateway;

import dev.kiln.actors.StepWorkers;
import dev.kiln.exec.ContainerSpec;
import dev.kiln.exec.Executor;
import dev.kiln.exec.ExitStatus;
import dev.kiln.exec.ProcessIo;
import dev.kiln.exec.ProcessSpec;
import dev.kiln.exec.RunningProcess;
import dev.kiln.exec.cdi.CdiEdits;
import dev.kiln.grpc.gateway.InitMessage;
import dev.kiln.llb.Entitlements;
import dev.kiln.llb.ExecOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.mounts.Environment;
import dev.kiln.mounts.PreparedMounts;
import dev.kiln.session.SessionGroup;
import dev.kiln.tracing.Blocking;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One container of a frontend: the first process started is its main one, further ones run inside
 * it while that lives. Any thread; {@link GatewayContainers} closes it.
 */
final class GatewayContainer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GatewayContainer.class);
  private final Executor executor;
  private final StepWorkers workers;
  private final SessionGroup sessions;
  private final Entitlements granted;
  private final PreparedMounts mounts;
  private final Place place;
  private final String id = UUID.randomUUID().toString().replace("-", "");
  private final ReentrantLock lock = new ReentrantLock();
  private final Set<Blocking.Task<ExitStatus>> processes = new HashSet<>();
  private boolean started;
  private boolean closed;

  /** Where the container's processes find themselves. Immutable. */
  record Place(ExecOp.NetworkMode network, String hostname, List<ExecOp.HostIp> hosts, String os) {}

  GatewayContainer(
      Executor executor,
      StepWorkers workers,
      SessionGroup sessions,
      Entitlements granted,
      PreparedMounts mounts,
      Place place) {
    this.executor = executor;
    this.workers = workers;
    this.sessions = sessions;
    this.granted = granted;
    this.mounts = mounts;
    this.place = place;
  }

  /**
   * Starts a process; does not wait for it. The task ends with its exit status, with the failure
   * that kept it from starting, or by {@link #close}.
   *
   * @param announce called once before the process can write or end: for the main process when it
   *     has been started, for a further one before that, since BuildKit's clients read all their
   *     processes off one stream and one that waits for its start would keep them from the output
   *     of another (v0.22, {@code container.go Start})
   */
  Blocking.Task<ExitStatus> start(
      InitMessage init, ProcessIo io, Runnable announce, Consumer<RunningProcess> onStarted) {
    lock.lock();
    try {
      if (closed) {
        throw new BuildException(Kind.NOT_FOUND, "the container was released");
      }
      boolean first = !started;
      started = true;
      Blocking.Task<ExitStatus> task =
          workers.beside("container-" + id, () -> run(init, first, io, announce, onStarted));
      processes.add(task);
      return task;
    } finally {
      lock.unlock();
    }
  }

  private ExitStatus run(
      InitMessage init,
      boolean first,
      ProcessIo io,
      Runnable announce,
      Consumer<RunningProcess> onStarted)
      throws InterruptedException {
    ExecOp.SecurityMode security = GatewayMessages.security(init.getSecurity());
    granted.check(place.network(), security);
    ProcessSpec process = process(init);
    if (first) {
      return executor.run(
          container(init, security),
          process,
          io,
          handle -> {
            announce.run();
            onStarted.accept(handle);
          });
    }
    announce.run();
    return executor.exec(id, process, io, onStarted);
  }

  private ProcessSpec process(InitMessage init) throws InterruptedException {
    var env = new ArrayList<>(init.getMeta().getEnvList());
    Environment.addDefault(env, "PATH", Environment.defaultPath(place.os()));
    if (init.getTty()) {
      Environment.addDefault(env, "TERM", "xterm");
    }
    env.addAll(
        Environment.secrets(
            init.getSecretenvList().stream()
                .map(s -> new ExecOp.SecretEnv(s.getID(), s.getName(), s.getOptional()))
                .toList(),
            sessions));
    if (init.getMeta().getArgsCount() == 0) {
      throw new BuildException(Kind.INVALID, "a process needs at least one argument");
    }
    String cwd = init.getMeta().getCwd();
    return new ProcessSpec(
        init.getMeta().getArgsList(),
        env,
        cwd.isEmpty() ? "/" : cwd,
        init.getMeta().getUser(),
        init.getTty());
  }

  private ContainerSpec container(InitMessage init, ExecOp.SecurityMode security) {
    return new ContainerSpec(
        id,
        mounts.rootfs(),
        mounts.readonlyRootfs(),
        mounts.mounts(),
        switch (place.network()) {
          case UNSET -> ContainerSpec.NetworkMode.SANDBOX;
          case HOST -> ContainerSpec.NetworkMode.HOST;
          case NONE -> ContainerSpec.NetworkMode.NONE;
        },
        switch (security) {
          case SANDBOX -> ContainerSpec.Security.SANDBOX;
          case INSECURE -> ContainerSpec.Security.INSECURE;
        },
        place.hostname(),
        place.hosts().stream().map(h -> new ContainerSpec.HostEntry(h.host(), h.ip())).toList(),
        List.of(),
        Optional.empty(),
        init.getMeta().getRemoveMountStubsRecursive(),
        false,
        CdiEdits.NONE);
  }

  /** Ends all processes and gives the mounts back. */
  @Override
  public void close() {
    end();
  }

  /** As {@link #close}; tells whether a process still ran. */
  boolean end() {
    List<Blocking.Task<ExitStatus>> left;
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      closed = true;
      left = List.copyOf(processes);
    } finally {
      lock.unlock();
    }
    boolean ran = left.stream().anyMatch(task -> !task.done().toCompletableFuture().isDone());
    left.forEach(Blocking.Task::interrupt);
    boolean interrupted = false;
    for (Blocking.Task<ExitStatus> task : left) {
      interrupted |= awaitEnd(task);
    }
    mounts.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return ran;
  }

  private static boolean awaitEnd(Blocking.Task<ExitStatus> task) {
    boolean interrupted = false;
    while (true) {
      try {
        task.done().toCompletableFuture().get();
        return interrupted;
      } catch (ExecutionException e) {
        LOG.debug("a process of a released container ended", e.getCause());
        return interrupted;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
  }
}
