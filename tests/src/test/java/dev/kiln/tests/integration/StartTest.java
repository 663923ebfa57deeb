package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Distribution;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** A daemon serves builds, or ends and says in one line why not. */
class StartTest {
  private static final Duration AT_ONCE = Duration.ofSeconds(20); // on a machine that is not quiet

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  private Process start(Map<String, String> environment, String... flags) throws IOException {
    ProcessBuilder command = Distribution.prepare(dir, flags);
    command.environment().putAll(environment);
    return command.start();
  }

  private List<String> log() throws IOException {
    Path log = dir.resolve("daemon.log");
    return Files.exists(log) ? Files.readAllLines(log) : List.of();
  }

  /** Ends with code 1 and a last line that says this; nothing is left of it. */
  private void failsWith(Process daemon, String said) throws Exception {
    try {
      assertThat(daemon.waitFor(AT_ONCE.toSeconds(), TimeUnit.SECONDS)).as("it ends").isTrue();
    } finally {
      daemon.destroyForcibly();
    }
    assertThat(daemon.exitValue()).isEqualTo(1);
    assertThat(log().getLast()).startsWith("buildkitd: ").contains(said);
    assertThat(log()).noneMatch(line -> line.contains("Exception") || line.startsWith("\tat "));
    leavesNothing();
  }

  private void leavesNothing() {
    assertThat(dir.resolve("sock")).doesNotExist();
    assertThat(dir.resolve("otel.sock")).doesNotExist();
  }

  @Test
  void variablesThatCannotBeFollowedEndIt() throws Exception {
    failsWith(start(Map.of("OTEL_TRACES_EXPORTER", "bogus")), "OTEL_TRACES_EXPORTER=bogus");
    var sampler = Map.of("OTEL_TRACES_EXPORTER", "otlp", "OTEL_TRACES_SAMPLER", "bogus");
    failsWith(start(sampler), "bogus");
  }

  @Test
  void aRuncThatDoesNotRunEndsIt() throws Exception {
    failsWith(start(Map.of(), "--oci-worker-binary=/nowhere/runc"), "/nowhere/runc");
    String broken = "--oci-worker-binary=" + program("echo not today; exit 3");
    failsWith(start(Map.of(), broken), "exit code 3: not today");
    assertThat(log()).noneMatch(line -> line.contains("found 1 workers"));
  }

  @Test
  void anUnusableNetworkOfStepsEndsIt() throws Exception {
    String[] flags = {"--oci-worker-net=cni", "--oci-cni-config-path=/nowhere/cni.json"};
    failsWith(start(Map.of(), flags), "CNI configuration /nowhere/cni.json cannot be read");
  }

  @Test
  void aSignalEndsAStartThatHangs() throws Exception {
    Path asked = dir.resolve("asked");
    String hanging = "--oci-worker-binary=" + program("echo $$ >" + asked + "; exec sleep 1000");
    Process daemon = start(Map.of(), hanging);
    try {
      Clients.eventually(
          AT_ONCE,
          () -> Files.exists(asked) && Files.size(asked) > 0,
          () -> "runc was not asked for its version");
      daemon.destroy();
      assertThat(daemon.waitFor(AT_ONCE.toSeconds(), TimeUnit.SECONDS)).as("it ends").isTrue();
    } finally {
      daemon.destroyForcibly();
    }
    assertThat(daemon.exitValue()).isEqualTo(1);
    leavesNothing();
    long child = Long.parseLong(Files.readString(asked).strip());
    assertThat(ProcessHandle.of(child).filter(ProcessHandle::isAlive)).isEmpty();
  }

  @Test
  void aSecondDaemonLeavesTheFirstItsSockets() throws Exception {
    try (var first = Distribution.start(dir)) {
      Path other = Files.createDirectory(dir.resolve("other"));
      Process second =
          Distribution.prepare(other, "--addr", first.address())
              .redirectOutput(other.resolve("daemon.log").toFile())
              .start();
      assertThat(second.waitFor(AT_ONCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(second.exitValue()).isEqualTo(1);
      assertThat(Files.readString(other.resolve("daemon.log")))
          .contains("cannot listen on " + first.address() + ": another process answers there");
      assertThat(dir.resolve("sock")).exists();
      first.closeClean();
    }
  }

  private Path program(String script) throws IOException {
    Path file = Files.writeString(dir.resolve("program"), "#!/bin/sh\n" + script + "\n");
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
