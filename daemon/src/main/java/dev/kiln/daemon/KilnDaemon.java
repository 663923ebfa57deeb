package dev.kiln.daemon;

import dev.kiln.config.ConfigException;
import dev.kiln.config.ConfigReader;
import dev.kiln.config.DaemonConfig;
import dev.kiln.control.Workers;
import dev.kiln.model.BuildException;
import dev.kiln.model.Platform;
import dev.kiln.sys.FileLock;
import dev.kiln.sys.Processes;
import dev.kiln.sys.ServiceManager;
import dev.kiln.sys.SyscallException;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sun.misc.Signal;

/**
 * The daemon's process: reads the configuration, takes the lock of the state folder, listens, and
 * only then starts what takes time. Ends on SIGTERM or SIGINT with exit code 1, as buildkitd does;
 * the third signal ends it at once. The process that was started is the daemon.
 */
public final class KilnDaemon {
  private static final Logger LOG = LoggerFactory.getLogger(KilnDaemon.class);
  private static final int PATIENCE = 3;

  private KilnDaemon() {}

  /** Flags as buildkitd's. */
  public static void main(String[] args) throws Exception {
    DaemonConfig config;
    try {
      switch (ConfigReader.read(List.of(args), Version.line(), KilnDaemon::gid)) {
        case ConfigReader.Request.Print(String text) -> {
          System.out.print(text);
          return;
        }
        case ConfigReader.Request.Start(DaemonConfig read) -> config = read;
      }
      DaemonLog.set(config.log().level(), config.log().format());
      run(config);
    } catch (ConfigException e) {
      System.err.println("buildkitd: " + e.getMessage());
      System.exit(1);
    } catch (IOException | BuildException e) {
      LOG.debug("the start failed", e);
      System.err.println("buildkitd: " + e.getMessage());
      System.exit(1);
    }
  }

  private static void run(DaemonConfig config) throws IOException {
    Processes.umask(0); // modes of what is built are exact (O-12)
    Folders.makeState(config.root());
    Path lockFile = config.root().resolve("buildkitd.lock");
    Optional<FileLock> lock = FileLock.tryLock(lockFile);
    if (lock.isEmpty()) {
      throw new ConfigException("could not lock " + lockFile + ", another instance running?");
    }
    var stop = new CountDownLatch(1);
    onSignals(stop);
    onEndOfInput(stop);
    var compilers = new Compilers();
    var role = new Role(System.getenv(), compilers::around, true);
    try (Listeners listeners = Listeners.bind(config.grpc());
        Listeners traces = Listeners.bindOpen(config.otelSocket());
        Listeners debug = Listeners.bindDebug(config.grpc().debugAddress());
        Wiring daemon = Wiring.start(config, role);
        WarmUp _ = warmUp(config, daemon, compilers)) {
      daemon.workers().thenAccept(KilnDaemon::tell);
      daemon
          .opened()
          .whenComplete((_, failure) -> {
            if (failure == null) {
              HeapKeeper.start(); // on the thread that opened the state, when nobody waits for it
            } else {
              LOG.error("the daemon's state could not be opened", failure);
              stop.countDown();
            }
          });
      listeners.serve(daemon.server());
      traces.serve(daemon.traces());
      debug.serve(daemon.debug());
      tellServiceManager("READY=1");
      await(stop);
      tellServiceManager("STOPPING=1");
    }
    lock.get().close();
    LOG.info("stopped");
    System.exit(1);
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

  private static void tell(Workers worker) {
    LOG.info(
        "found worker \"{}\", labels={}, platforms={}",
        worker.id(),
        worker.labels(),
        worker.platforms().stream().map(Platform::format).toList());
    LOG.info("found 1 workers, default=\"{}\"", worker.id());
  }

  private static void await(CountDownLatch stop) {
    try {
      stop.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void onSignals(CountDownLatch stop) {
    var received = new AtomicInteger();
    for (String name : List.of("TERM", "INT")) {
      Signal.handle(
          new Signal(name),
          signal -> {
            LOG.info("got SIG{}, stopping", signal.getName());
            stop.countDown();
            if (received.incrementAndGet() >= PATIENCE) {
              Runtime.getRuntime().halt(1);
            }
          });
    }
  }

  /** The daemon of one build ends with whoever holds the other end of its standard input. */
  private static void onEndOfInput(CountDownLatch stop) {
    if (System.getenv("KILN_UNTIL_EOF") != null) {
      var _ =
          Blocking.onPlatform(
              "until-eof",
              () -> {
                System.in.transferTo(OutputStream.nullOutputStream());
                stop.countDown();
                return true;
              });
    }
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
        if (fields.length > 2 && fields[0].equals(name)) {
          return Integer.parseInt(fields[2]);
        }
      }
    } catch (IOException e) {
      throw new ConfigException("failed to look up group " + name + ": " + e.getMessage(), e);
    }
    throw new ConfigException("failed to look up group " + name + ": no such group");
  }
}
