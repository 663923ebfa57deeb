package dev.kiln.cli;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.FileLock;
import dev.kiln.tracing.Blocking;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLockInterruptionException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * A daemon of a build's own, on a private socket, for users who run none. Its state is kept from
 * build to build, so one build at a time uses it: others wait. It ends with the end of its standard
 * input, so also where the build is killed. Whoever started it closes it.
 */
final class PrivateDaemon implements AutoCloseable {
  /** Tells the daemon to stop when its standard input ends. */
  static final String UNTIL_EOF = "KILN_UNTIL_EOF";

  private static final long START_SECONDS = 60;
  private static final long STOP_SECONDS = 20;
  private static final int LINES_KEPT = 20;
  private static final int LINE_KEPT = 1_000;
  private static final Set<PosixFilePermission> OWNERS =
      PosixFilePermissions.fromString("rwx------");

  private final Sockets sockets;
  private final FileChannel lock;
  private final Process process;
  private final Blocking.Task<Boolean> reading;
  private final ArrayDeque<String> log = new ArrayDeque<>(); // guarded by itself

  /** Where it listens: in its state folder, unless the path would be too long for a socket. */
  private record Sockets(Path folder, boolean temporary) {
    private static final String LONGEST = "kiln-build-otel.sock";

    static Sockets under(Path root) throws IOException {
      int bytes = root.resolve(LONGEST).toString().getBytes(StandardCharsets.UTF_8).length;
      return bytes <= DaemonAddress.MAX_SOCKET_BYTES
          ? new Sockets(root, false)
          : new Sockets(Files.createTempDirectory("kiln-build-"), true);
    }

    Path control() {
      return folder.resolve("kiln-build.sock");
    }

    Path traces() {
      return folder.resolve(LONGEST);
    }

    void remove() throws IOException {
      Files.deleteIfExists(control());
      Files.deleteIfExists(traces());
      if (temporary) {
        Files.deleteIfExists(folder);
      }
    }
  }

  private PrivateDaemon(Sockets sockets, FileChannel lock, Process process) {
    this.sockets = sockets;
    this.lock = lock;
    this.process = process;
    this.reading = Blocking.onPlatform("daemon-log", this::readLog);
  }

  /**
   * Starts one and waits until it listens.
   *
   * @param launcher a command that takes buildkitd's flags
   * @param root where it keeps its state
   * @param notes told what the user should know
   * @throws BuildException {@code UNAVAILABLE} with the daemon's last words, where it ends at once
   */
  static PrivateDaemon start(List<String> launcher, Path root, Consumer<String> notes)
      throws InterruptedException {
    Path state = root.toAbsolutePath();
    FileChannel lock = null;
    try {
      Files.createDirectories(state, PosixFilePermissions.asFileAttribute(OWNERS));
      lock = lock(state.resolve("kiln-build.lock"), notes);
      awaitEndOfKilled(state, lock);
      var daemon = run(launcher, state, lock);
      try {
        daemon.awaitSocket();
      } catch (BuildException | InterruptedException e) {
        daemon.close();
        throw e;
      }
      return daemon;
    } catch (IOException e) {
      closeQuietly(lock);
      throw new BuildException(
          Kind.UNAVAILABLE,
          "no daemon of the build's own in "
              + state
              + ": "
              + GivenFiles.reason(e)
              + " (give another folder with --root, or a running daemon with --addr)",
          e);
    }
  }

  /** The lock file holds a byte while a daemon runs: one that is left tells of a killed build. */
  private static void awaitEndOfKilled(Path root, FileChannel lock)
      throws IOException, InterruptedException {
    if (lock.size() == 0) {
      return;
    }
    var ended =
        Blocking.onPlatform(
            "killed-daemon",
            () -> {
              FileLock.lock(root.resolve("buildkitd.lock")).close();
              return true;
            });
    try {
      var _ = ended.done().toCompletableFuture().get(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      // the next one says that it cannot have the folder
    }
    lock.truncate(0);
  }

  private static PrivateDaemon run(List<String> launcher, Path root, FileChannel lock)
      throws IOException {
    Sockets sockets = Sockets.under(root);
    sockets.remove(); // what a killed one left; the lock says that none runs
    if (sockets.temporary()) {
      Files.createDirectories(sockets.folder(), PosixFilePermissions.asFileAttribute(OWNERS));
    }
    var command = new ArrayList<>(launcher);
    command.addAll(
        List.of(
            "--addr",
            "unix://" + sockets.control(),
            "--otel-socket-path",
            sockets.traces().toString(),
            "--root",
            root.toString()));
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    // What a service manager gave to us is not for the daemon.
    builder.environment().keySet().removeAll(List.of("LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET"));
    builder.environment().put(UNTIL_EOF, "1");
    lock.write(ByteBuffer.allocate(1), 0);
    return new PrivateDaemon(sockets, lock, builder.start());
  }

  /** The lock ends with its channel, and so with the process. */
  private static FileChannel lock(Path file, Consumer<String> notes)
      throws IOException, InterruptedException {
    var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      if (channel.tryLock() == null) {
        notes.accept(
            "waiting for another kiln build to end: one at a time uses "
                + file.getParent()
                + " (a daemon, given by --addr, builds for many; --root gives another folder)");
        var _ = channel.lock();
      }
      return channel;
    } catch (FileLockInterruptionException e) {
      channel.close();
      Thread.interrupted();
      throw new InterruptedException();
    }
  }

  private boolean readLog() throws IOException {
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        synchronized (log) {
          log.add(line.length() <= LINE_KEPT ? line : line.substring(0, LINE_KEPT) + "…");
          if (log.size() > LINES_KEPT) {
            log.remove();
          }
        }
      }
    }
    return true;
  }

  private void awaitSocket() throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    while (true) {
      if (Files.exists(sockets.control()) && listens()) {
        return;
      }
      // The daemon tells nobody that it is ready, so it is asked; waiting ends when it dies.
      if (process.waitFor(10, TimeUnit.MILLISECONDS)) {
        throw new BuildException(
            Kind.UNAVAILABLE,
            "the build's own daemon ended at its start with code " + process.exitValue() + said());
      }
      if (System.nanoTime() > deadline) {
        throw new BuildException(
            Kind.UNAVAILABLE,
            "the build's own daemon does not listen after " + START_SECONDS + " s" + said());
      }
    }
  }

  private String said() throws InterruptedException {
    List<String> last = lastWords();
    return last.isEmpty() ? ", and said nothing" : ":\n" + String.join("\n", last);
  }

  /** The last lines that it logged; all of them where it has ended. */
  List<String> lastWords() throws InterruptedException {
    if (hasEnded()) {
      try {
        var _ = reading.done().toCompletableFuture().get(1, TimeUnit.SECONDS);
      } catch (ExecutionException | TimeoutException e) {
        // a step's process may hold its end of the pipe
      }
    }
    synchronized (log) {
      return List.copyOf(log);
    }
  }

  /** Whether it has ended, or does so just now. */
  boolean hasEnded() throws InterruptedException {
    return process.waitFor(1, TimeUnit.SECONDS);
  }

  private boolean listens() {
    try (var probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return probe.connect(UnixDomainSocketAddress.of(sockets.control()));
    } catch (IOException e) {
      return false;
    }
  }

  /** The address for clients. */
  DaemonAddress address() {
    return DaemonAddress.parse("unix://" + sockets.control());
  }

  @Override
  public void close() {
    process.destroy();
    boolean interrupted = Thread.interrupted(); // an interrupted build too ends its daemon in order
    try {
      if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      lock.truncate(0);
      sockets.remove();
    } catch (InterruptedException e) {
      interrupted = true; // it goes on to stop, and the next build waits for it
    } catch (IOException e) {
      // a leftover in a private folder harms nobody
    }
    closeQuietly(lock);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void closeQuietly(@org.jspecify.annotations.Nullable FileChannel lock) {
    if (lock != null) {
      try {
        lock.close();
      } catch (IOException e) {
        // the process' end closes it
      }
    }
  }
}
