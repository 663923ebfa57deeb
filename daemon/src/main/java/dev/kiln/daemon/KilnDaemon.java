package dev.kiln.daemon;

import com.google.re2j.Pattern;
import dev.kiln.config.ConfigException;
import dev.kiln.config.ConfigReader;
import dev.kiln.config.DaemonConfig;
import dev.kiln.control.Workers;
import dev.kiln.model.Platform;
import dev.kiln.sys.Processes;
import dev.kiln.sys.ServiceManager;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The daemon's process: reads the configuration, takes the lock of the state folder, listens, and
 * only then starts what takes time. Ends on SIGTERM or SIGINT with exit code 1, as buildkitd does;
 * so does a start that fails, whatever the reason, with one line on standard error. The process
 * that was started is the daemon.
 */
public final class KilnDaemon {
  private static final Logger LOG = LoggerFactory.getLogger(KilnDaemon.class);

  /** What is made belongs to its owner; what needs another mode is given it by name. */
  private static final int UMASK = 0022;

  private KilnDaemon() {}

  /** Flags as buildkitd's. */
  public static void main(String[] args) {
    try {
      switch (ConfigReader.read(List.of(args), Version.line(), KilnDaemon::gid)) {
        case ConfigReader.Request.Print(String text) -> {
          System.out.print(text);
          return;
        }
        case ConfigReader.Request.Start(DaemonConfig config, List<String> warnings) -> {
          DaemonLog.set(config.log().level(), config.log().format());
          warnings.forEach(LOG::warn);
          RegistryFiles.missing(config.registries()).forEach(LOG::warn);
          run(config);
        }
      }
    } catch (InterruptedException e) {
      LOG.info("stopped before the start was over");
    } catch (Throwable e) { // whatever it is: a process that serves nobody must not stay
      LOG.debug("the start failed", e);
      System.err.println("buildkitd: " + StartFailure.line(e));
    }
    Signals.endChildren();
    System.exit(1);
  }

  private static void run(DaemonConfig config)
      throws IOException, InterruptedException, ExecutionException {
    Processes.umask(UMASK);
    try (StateFolder state = StateFolder.take(config.root())) {
      serve(config.keptIn(state.path()));
    }
    LOG.info("stopped");
  }

  private static void serve(DaemonConfig config)
      throws IOException, InterruptedException, ExecutionException {
    var signals = Signals.handle();
    var compilers = new Compilers();
    var role = new Role(System.getenv(), compilers::around, true);
    try (Listeners listeners = signals.guard(Listeners.bind(config.grpc()));
        Listeners traces = signals.guard(Listeners.bindOpen(config.otel()));
        Listeners debug = signals.guard(Listeners.bindDebug(config.grpc().debugAddress()));
        Wiring daemon = Wiring.start(config, role, traces.path());
        WarmUp _ = warmUp(config, daemon, compilers)) {
      listeners.serve(daemon.server());
      traces.serve(daemon.traces());
      debug.serve(daemon.debug());
      CompletableFuture.anyOf(signals.stop(), daemon.opened().toCompletableFuture()).get();
      if (!signals.stop().isDone()) {
        signals.started();
        tell(daemon.workers());
        HeapKeeper.start(); // nobody waits for it here
        tellServiceManager("READY=1");
        signals.stop().get();
      }
      tellServiceManager("STOPPING=1");
    }
    signals.closed();
  }

  private static WarmUp warmUp(DaemonConfig config, Wiring daemon, Compilers compilers) {
    try {
      Rehearsal.removeLeftover(config.root());
    } catch (SyscallException e) {
      LOG.warn("what a killed daemon left of its warm-up stays", e);
    }
    var warmUp = WarmUp.start(daemon.opened(), () -> Rehearsal.open(config));
    daemon.firstBuild().thenRun(warmUp::end);
    if ("off".equals(System.getenv("KILN_WARM_UP"))) {
      warmUp.end();
    } else {
      daemon.opened().thenCombine(warmUp.done(), (_, _) -> true).thenRun(compilers::warm);
    }
    return warmUp;
  }

  private static void tell(CompletionStage<Workers> opened)
      throws InterruptedException, ExecutionException {
    Workers worker = opened.toCompletableFuture().get();
    LOG.info(
        "found worker \"{}\", labels={}, platforms={}",
        worker.id(),
        worker.labels(),
        worker.platforms().stream().map(Platform::format).toList());
    LOG.info("found 1 workers, default=\"{}\"", worker.id());
  }

  private static void tellServiceManager(String state) {
    String socket = System.getenv("NOTIFY_SOCKET");
    if (socket == null || socket.isEmpty()) {
      return;
    }
    try {
      ServiceManager.tell(socket, state);
    } catch (SyscallException e) {
      LOG.warn("the service manager could not be told {}", state, e);
    }
  }

  /** The id of a group of {@code /etc/group}. */
  private static int gid(String name) {
    try {
      for (String line : Files.readAllLines(Path.of("/etc/group"), StandardCharsets.UTF_8)) {
        String[] fields = line.split(":", -1);
        if (fields.length > 2
            && fields[0].equals(name)
            && Pattern.matches("[0-9]{1,9}", fields[2])) {
          return Integer.parseInt(fields[2]);
        }
      }
    } catch (IOException e) {
      throw new ConfigException("failed to look up group " + name + ": " + e.getMessage(), e);
    }
    throw new ConfigException("failed to look up group " + name + ": no such group");
  }
}
