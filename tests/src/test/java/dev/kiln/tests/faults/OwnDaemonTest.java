package dev.kiln.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.tests.support.Distribution;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** The daemon that {@code kiln build} starts for itself where it is given none. */
class OwnDaemonTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  private Path root;
  private Path context;

  @BeforeEach
  void write() throws Exception {
    root = dir.resolve("root");
    context = Files.createDirectories(dir.resolve("context"));
    Files.writeString(context.resolve("Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
  }

  /** What a failed test leaves. */
  @AfterEach
  void stop() {
    daemons().forEach(ProcessHandle::destroyForcibly);
  }

  private Process build() throws IOException {
    return Distribution.buildOnItsOwn(context, "--root", root.toString());
  }

  private List<ProcessHandle> daemons() {
    return ProcessHandle.allProcesses()
        .filter(p ->
            p.info()
                .arguments()
                .filter(all -> List.of(all).contains("unix://" + root + "/kiln-build.sock"))
                .filter(all -> List.of(all).contains("dev.kiln.daemon.KilnDaemon"))
                .isPresent())
        .toList();
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
    }
  }

  private List<Path> sockets() throws IOException {
    try (var files = Files.list(root)) {
      return files.filter(file -> file.toString().endsWith(".sock")).toList();
    }
  }

  @Test
  void nothingOfItIsLeftWhereTheBuildIsKilled() throws Exception {
    Process build = build();
    await("a daemon starts", () -> !daemons().isEmpty());
    assertThat(daemons()).hasSize(1);
    build.destroyForcibly().waitFor();
    await("the daemon ends", () -> daemons().isEmpty());
    assertThat(sockets()).isEmpty();
  }

  @Test
  void theBuildAfterAKilledOneWaitsForItsDaemonToEnd() throws Exception {
    Process build = build();
    await("a daemon starts", () -> !daemons().isEmpty());
    build.destroyForcibly().waitFor();
    var next = Distribution.await(build());
    assertThat(next.code()).as(next.output()).isZero();
    assertThat(daemons()).isEmpty();
    assertThat(sockets()).isEmpty();
  }

  @Test
  void aSecondBuildSaysThatItWaitsForTheFirst() throws Exception {
    Process first = build();
    await("a daemon starts", () -> !daemons().isEmpty());
    var second = Distribution.await(build());
    assertThat(second.output()).contains("waiting for another kiln build to end", "--addr");
    assertThat(second.code()).as(second.output()).isZero();
    assertThat(Distribution.await(first).code()).isZero();
  }

  @Test
  void itsLastWordsAreTold() throws Exception {
    try (var other = Distribution.start(Files.createDirectories(dir.resolve("other")))) {
      root = other.root(); // in use
      var run = Distribution.await(build());
      assertThat(run.code()).isEqualTo(1);
      assertThat(run.output())
          .contains("the build's own daemon ended at its start with code 1")
          .contains("buildkitd.lock");
    }
  }
}
