package dev.kiln.cli;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * A daemon of a build's own, on a private socket, for users who run none. Its state is kept from
 * build to build, so one build at a time uses it: others wait. Whoever started it closes it.
 */
final class PrivateDaemon implements AutoCloseable {
  private static final long START_SECONDS = 60;
  private static final long STOP_SECONDS = 20;
  private static final Set<PosixFilePermission> OWNERS =
      PosixFilePermissions.fromString("rwx------");

  private final Path directory;
  private final Path socket;
  private final FileLock lock;
  private final Process process;

  private PrivateDaemon(Path directory, Path socket, FileLock lock, Process process) {
    this.directory = directory;
    this.socket = socket;
    this.lock = lock;
    this.process = process;
  }

  /**
   * Starts one and waits until it listens.
   *
   * @param launcher a command that takes buildkitd's flags
   * @param root where it keeps its state
   * @param notes told what the user should know
   */
  static PrivateDaemon start(
      List<String> launcher, Path root, java.util.function.Consumer<String> notes)
      throws IOException, InterruptedException {
    Files.createDirectories(root, PosixFilePermissions.asFileAttribute(OWNERS));
    FileLock lock = lock(root.resolve("kiln-build.lock"), notes);
    Path directory = Files.createTempDirectory("kiln-build-");
    Path socket = directory.resolve("kiln.sock");
    Path log = directory.resolve("daemon.log");
    var command = new java.util.ArrayList<>(launcher);
    command.addAll(List.of("--addr", "unix://" + socket, "--root", root.toString()));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .start();
    var daemon = new PrivateDaemon(directory, socket, lock, process);
    try {
      daemon.awaitSocket(log);
    } catch (BuildException | IOException | InterruptedException e) {
      daemon.close();
      throw e;
    }
    return daemon;
  }

  private static FileLock lock(Path file, java.util.function.Consumer<String> notes)
      throws IOException {
    var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = channel.tryLock();
    if (lock == null) {
      notes.accept("waiting for another kiln build to end (--addr uses a daemon for many builds)");
      lock = channel.lock();
    }
    return lock;
  }

  private void awaitSocket(Path log) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    while (true) {
      if (Files.exists(socket) && listens()) {
        return;
      }
      // The daemon tells nobody that it is ready, so it is asked; waiting ends when it dies.
      if (process.waitFor(10, TimeUnit.MILLISECONDS)) {
        String said = Files.readString(log);
        throw new BuildException(
            Kind.UNAVAILABLE,
            "the daemon ended at once with code " + process.exitValue() + "\n" + said.strip());
      }
      if (System.nanoTime() > deadline) {
        throw new BuildException(Kind.UNAVAILABLE, "the daemon does not listen; see " + log);
      }
    }
  }

  private boolean listens() {
    try (var probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return probe.connect(UnixDomainSocketAddress.of(socket));
    } catch (IOException e) {
      return false;
    }
  }

  /** The address for clients. */
  String address() {
    return "unix://" + socket;
  }

  @Override
  public void close() {
    process.destroy();
    boolean interrupted = false;
    try {
      if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      interrupted = true;
    }
    try {
      Files.deleteIfExists(socket);
      Files.deleteIfExists(directory.resolve("daemon.log"));
      Files.deleteIfExists(directory);
      lock.channel().close();
    } catch (IOException e) {
      // a leftover in the temporary folder harms nobody
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
