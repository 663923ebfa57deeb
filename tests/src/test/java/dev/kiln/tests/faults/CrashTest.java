package dev.kiln.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.Footprint;
import dev.kiln.tests.support.Steps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** The daemon is killed at any instant; the next one knows all that was acknowledged. */
class CrashTest {
  private static final int KILLS = 20;
  private static final int STEPS = 6;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  @Test
  void whatWasAcknowledgedSurvivesTwentyKills() throws Exception {
    long seed = Long.getLong("kiln.seed", System.nanoTime());
    System.out.println("CrashTest: -Dkiln.seed=" + seed);
    var random = new Random(seed);
    int acknowledged = 0;
    int cut = 0;
    Distribution daemon = Distribution.start(dir);
    try {
      long whole = 0;
      for (int warm = KILLS; warm < KILLS + 2; warm++) {
        long begun = System.nanoTime();
        assertThat(build(daemon, context(warm), dir.resolve("warm")).waitFor()).isZero();
        whole = System.nanoTime() - begun;
      }
      for (int kill = 0; kill < KILLS; kill++) {
        Path context = context(kill);
        Path told = dir.resolve("told-" + kill);
        Process client = build(daemon, context, told);
        if (!client.waitFor(random.nextLong(whole), TimeUnit.NANOSECONDS)) {
          cut++;
        }
        assertThat(daemon.isAlive()).isTrue();
        daemon.crash();
        client.waitFor();
        Set<String> done = Steps.of(Files.readString(told)).done();
        acknowledged += done.size();

        daemon = Distribution.start(dir);
        Buildctl again = Buildctl.of(daemon);
        Path rebuilt = dir.resolve("rebuilt-" + kill);
        int code = build(daemon, context, rebuilt).waitFor();
        String output = Files.readString(rebuilt);
        assertThat(code).as("after kill %s: %s", kill, output).isZero();
        assertThat(Steps.of(output).cached()).as("after kill %s", kill).containsAll(done);
        assertThat(Steps.of(output).done()).hasSize(STEPS + 1);
        assertThat(again.run("du").code()).isZero();
        assertNothingUnderWay(daemon);
      }
      System.out.printf(
          "CrashTest: %d kills, %d in the middle of a build of %d ms; %d steps acknowledged%n",
          KILLS, cut, whole / 1_000_000, acknowledged);
      assertThat(cut).as("kills in the middle of a build").isPositive();
      assertNothingStored(daemon);
      daemon.closeClean();
    } finally {
      daemon.close();
    }
  }

  private static Process build(Distribution daemon, Path context, Path output) throws Exception {
    return Buildctl.of(daemon)
        .command(
            "build",
            "--progress=rawjson",
            "--frontend=dockerfile.v0",
            "--local=context=" + context,
            "--local=dockerfile=" + context)
        .redirectOutput(output.toFile())
        .start();
  }

  private Path context(int number) throws IOException {
    var text = new StringBuilder(Buildctl.BASE);
    for (int i = 0; i < STEPS; i++) {
      text.append("RUN : ").append(marker()).append("; echo ").append(number).append('-').append(i);
      text.append(" > /").append(i).append("; /bin/busybox usleep 30000\n");
    }
    return Buildctl.context(dir.resolve("context-" + number), text.toString());
  }

  private String marker() {
    return "marker-" + dir.getFileName();
  }

  private void assertNothingUnderWay(Distribution daemon) throws Exception {
    Clients.eventually(
        Duration.ofSeconds(10),
        () ->
            daemon.mounts().isEmpty()
                && daemon.cgroups().isEmpty()
                && Footprint.containers(daemon.state()) == 0,
        () -> "mounts, control groups or containers are left");
    assertThat(
            ProcessHandle.allProcesses()
                .filter(p -> p.info().commandLine().orElse("").contains(marker())))
        .as("processes of steps")
        .isEmpty();
    for (String temporary : List.of("content/ingest", "mounts")) {
      assertThat(files(daemon, temporary)).as(temporary).isEmpty();
    }
  }

  /** Once all is pruned, nothing that a killed daemon made is left either. */
  private static void assertNothingStored(Distribution daemon) throws Exception {
    Buildctl client = Buildctl.of(daemon);
    Clients.eventually(
        Duration.ofSeconds(20), // the last build's trace is kept some seconds after its end
        () -> {
          for (String command : List.of("prune-histories", "prune")) {
            Run run = command.equals("prune") ? client.run(command, "--all") : client.run(command);
            assertThat(run.code()).as(run.output()).isZero();
          }
          return files(daemon, "content/blobs/sha256").isEmpty();
        },
        () -> "blobs are left");
    for (Path folder : files(daemon, "snapshots")) {
      try (Stream<Path> left = Files.list(folder)) {
        assertThat(left).as("snapshots").isEmpty();
      }
    }
  }

  private static List<Path> files(Distribution daemon, String folder) throws IOException {
    try (Stream<Path> workers = Files.list(daemon.state())) {
      Path worker =
          workers.filter(p -> p.getFileName().toString().startsWith("runc-")).findFirst().get();
      try (Stream<Path> all = Files.list(worker.resolve(folder))) {
        return all.toList();
      }
    }
  }
}
