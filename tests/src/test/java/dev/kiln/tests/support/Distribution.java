package dev.kiln.tests.support;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A daemon of the built distribution, on a socket and a state folder of its own. Who starts it
 * closes it.
 */
public final class Distribution implements AutoCloseable {
  private static final Path HOME = Path.of("../daemon/target/kiln").toAbsolutePath().normalize();
  private static final Duration PATIENCE = Duration.ofSeconds(120);

  private final Path folder;
  private final Process process;

  private Distribution(Path folder, Process process) {
    this.folder = folder;
    this.process = process;
  }

  /**
   * Starts the daemon and waits until it listens; {@code folder} holds its state, also from an
   * earlier run.
   */
  public static Distribution start(Path folder, String... flags) throws IOException {
    return start(folder, Map.of(), flags);
  }

  /**
   * The same with more variables in the daemon's environment. One of {@link #prepare} that waits.
   */
  public static Distribution start(Path folder, Map<String, String> environment, String... flags)
      throws IOException {
    ProcessBuilder command = prepare(folder, flags);
    command.environment().putAll(environment);
    return await(folder, command.start());
  }

  /**
   * The daemon's command, for tests that start it in their own way. Lines of {@code worker.toml} in
   * {@code folder} are of its worker's configuration.
   */
  public static ProcessBuilder prepare(Path folder, String... flags) throws IOException {
    assertThat(HOME.resolve("bin/buildkitd"))
        .as("the distribution: build it with ./mvnw package")
        .isExecutable();
    assertThat(System.getProperty("user.name"))
        .as("steps run in containers: run the tests as root")
        .isEqualTo("root");
    Files.deleteIfExists(folder.resolve("sock"));
    Path worker = folder.resolve("worker.toml");
    Files.writeString(
        folder.resolve("buildkitd.toml"),
        "[worker.oci]\n  defaultCgroupParent = \""
            + cgroupParent(folder)
            + "\"\n"
            + (Files.exists(worker) ? Files.readString(worker) : ""));
    var command =
        new ArrayList<>(
            List.of(
                HOME.resolve("bin/buildkitd").toString(),
                "--config",
                folder.resolve("buildkitd.toml").toString(),
                "--root",
                folder.resolve("root").toString(),
                "--otel-socket-path",
                folder.resolve("otel.sock").toString()));
    command.addAll(List.of(flags));
    if (!command.contains("--addr")) {
      command.addAll(List.of("--addr", "unix://" + folder.resolve("sock")));
    }
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("daemon.log").toFile()));
  }

  /** Waits until {@code process} listens on the folder's socket. */
  public static Distribution await(Path folder, Process process) throws IOException {
    var daemon = new Distribution(folder, process);
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < end) {
      if (!process.isAlive()) {
        throw new IOException("the daemon ended: " + daemon.log());
      }
      try (var probe = SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("sock")))) {
        return daemon;
      } catch (IOException notYet) {
        LockSupport.parkNanos(20_000_000);
      }
    }
    daemon.close();
    throw new IOException("the daemon does not listen");
  }

  /** Where the distribution is. */
  public static Path home() {
    return HOME;
  }

  /** One run of a client: its exit code and what it printed. */
  public record Run(int code, String output) {}

  public String address() {
    return "unix://" + folder.resolve("sock");
  }

  /** The same as a socket's address. */
  public UnixDomainSocketAddress socket() {
    return UnixDomainSocketAddress.of(folder.resolve("sock"));
  }

  /** The root that the daemon was given. */
  public Path root() {
    return folder.resolve("root");
  }

  /** What the daemon keeps on disk, below its root. */
  public Path state() {
    return root().resolve("kiln");
  }

  public long pid() {
    return process.pid();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** What it and its earlier runs have printed. */
  public String log() throws IOException {
    return Files.readString(folder.resolve("daemon.log"));
  }

  /** A {@code kiln build} under way. */
  public Process build(Path context, String... more) throws IOException {
    return client(address(), context, more);
  }

  /** A {@code kiln build} under way with the daemon at {@code address}, whoever runs it. */
  public static Process client(String address, Path context, String... more) throws IOException {
    var flags = new ArrayList<>(List.of("--addr", address));
    flags.addAll(List.of(more));
    return buildOnItsOwn(context, flags.toArray(String[]::new));
  }

  /** A {@code kiln build} under way that has a daemon of its own, unless a flag says otherwise. */
  public static Process buildOnItsOwn(Path context, String... more) throws IOException {
    return buildCommand(context, more).start();
  }

  /** The command of a {@code kiln build}, for tests that start it in their own way. */
  public static ProcessBuilder buildCommand(Path context, String... more) {
    var command =
        new ArrayList<>(List.of(HOME.resolve("bin/kiln").toString(), "build", context.toString()));
    command.addAll(List.of("--progress", "plain"));
    command.addAll(List.of(more));
    return new ProcessBuilder(command).redirectErrorStream(true);
  }

  public static Run await(Process client) throws IOException, InterruptedException {
    String output = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(client.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
        .as("the client ends")
        .isTrue();
    return new Run(client.exitValue(), output);
  }

  /** SIGKILL: what a crash leaves is left. */
  public void crash() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Mounts below the daemon's folder. */
  public List<String> mounts() throws IOException {
    return Files.readAllLines(Path.of("/proc/mounts")).stream()
        .filter(line -> line.contains(folder.toString()))
        .toList();
  }

  /** Control groups of its steps, in all hierarchies. */
  public List<Path> cgroups() throws IOException {
    var all = new ArrayList<Path>();
    for (Path parent : cgroupParents()) {
      try (var children = Files.list(parent.resolve("buildkit"))) {
        children.filter(Files::isDirectory).forEach(all::add);
      } catch (NoSuchFileException none) {
        continue; // no step has run yet
      }
    }
    return all;
  }

  private static String cgroupParent(Path folder) {
    return "kiln-tests-" + Integer.toHexString(folder.toString().hashCode());
  }

  private List<Path> cgroupParents() throws IOException {
    var all = new ArrayList<Path>();
    Path top = Path.of("/sys/fs/cgroup");
    all.add(top.resolve(cgroupParent(folder)));
    try (var hierarchies = Files.list(top)) {
      hierarchies.forEach(each -> all.add(each.resolve(cgroupParent(folder))));
    }
    return all.stream().filter(Files::isDirectory).toList();
  }

  private void removeCgroups() {
    try {
      for (Path parent : cgroupParents()) {
        Files.deleteIfExists(parent.resolve("buildkit"));
        Files.deleteIfExists(parent);
      }
    } catch (IOException e) {
      throw new AssertionError("control groups of steps are left", e);
    }
  }

  /** SIGTERM, and SIGKILL where that does not help. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Closes it for good, where nothing of its steps may be left. */
  public void closeClean() throws IOException {
    close();
    assertThat(mounts()).as("mounts").isEmpty();
    assertThat(cgroups()).as("control groups").isEmpty();
    assertThat(Footprint.containers(state())).as("containers").isZero();
    removeCgroups();
  }
}
