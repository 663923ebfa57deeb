package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A daemon of the built distribution, on a socket and a state folder of its own. Who starts it
 * closes it.
 */
final class Distribution implements AutoCloseable {
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
  static Distribution start(Path folder) throws IOException {
    assertThat(HOME.resolve("bin/buildkitd"))
        .as("the distribution: build it with ./mvnw package")
        .isExecutable();
    assertThat(System.getProperty("user.name"))
        .as("steps run in containers: run the tests as root")
        .isEqualTo("root");
    Files.deleteIfExists(folder.resolve("sock"));
    Process process =
        new ProcessBuilder(
                HOME.resolve("bin/buildkitd").toString(),
                "--root",
                folder.resolve("root").toString(),
                "--addr",
                "unix://" + folder.resolve("sock"),
                "--otel-socket-path",
                folder.resolve("otel.sock").toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("daemon.log").toFile()))
            .start();
    var daemon = new Distribution(folder, process);
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < end) {
      if (!process.isAlive()) {
        throw new IOException(
            "the daemon ended: " + Files.readString(folder.resolve("daemon.log")));
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

  /** One run of {@code kiln}: its exit code and what it printed. */
  record Run(int code, String output) {}

  /** A {@code kiln build} under way. */
  Process build(Path context, String... more) throws IOException {
    var command =
        new ArrayList<>(List.of(HOME.resolve("bin/kiln").toString(), "build", context.toString()));
    command.addAll(List.of("--addr", "unix://" + folder.resolve("sock"), "--progress", "plain"));
    command.addAll(List.of(more));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  static Run await(Process client) throws IOException, InterruptedException {
    String output =
        new String(client.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    assertThat(client.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
        .as("the client ends")
        .isTrue();
    return new Run(client.exitValue(), output);
  }

  /** SIGKILL: what a crash leaves is left. */
  void crash() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  List<String> mounts() throws IOException {
    return Files.readAllLines(Path.of("/proc/mounts")).stream()
        .filter(line -> line.contains(folder.toString()))
        .toList();
  }

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
}
