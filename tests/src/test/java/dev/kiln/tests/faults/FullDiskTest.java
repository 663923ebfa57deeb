package dev.kiln.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Collector;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.Footprint;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** A daemon whose disk fills up says so, and works again once there is room. */
class FullDiskTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  @BeforeEach
  void mount() throws Exception {
    Path root = Files.createDirectories(dir.resolve("root"));
    command("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", root.toString());
  }

  @AfterEach
  void unmount() throws Exception {
    command("umount", dir.resolve("root").toString());
  }

  private static void command(String... words) throws Exception {
    Run run = Distribution.await(new ProcessBuilder(words).redirectErrorStream(true).start());
    assertThat(run.code()).as(run.output()).isZero();
  }

  @Test
  void whatFindsNoRoomFailsAndTheNextBuildWorks() throws Exception {
    int port = Collector.freePort();
    try (var daemon = Distribution.start(dir, "--debugaddr", "127.0.0.1:" + port)) {
      Buildctl client = Buildctl.of(daemon);
      Path small = Buildctl.context(dir.resolve("small"), Buildctl.BASE + "RUN echo small\n");
      assertSucceeds(client, small);

      Path sent = Buildctl.context(dir.resolve("sent"), Buildctl.BASE + "COPY large /\n");
      try (var large = new RandomAccessFile(sent.resolve("large").toFile(), "rw")) {
        large.setLength(64 << 20);
      }
      Run full = Distribution.await(client.build(sent).start());
      assertThat(full.code()).isNotZero();
      assertThat(full.output().lines().toList().getLast())
          .containsIgnoringCase("no space left on device");

      Path written =
          Buildctl.context(
              dir.resolve("written"),
              Buildctl.BASE + "RUN /bin/busybox dd if=/dev/zero of=/large bs=1M count=64\n");
      Run inStep = Distribution.await(client.build(written).start());
      assertThat(inStep.code()).isNotZero();
      assertThat(inStep.output()).containsIgnoringCase("no space left on device");

      command("mount", "-o", "remount,size=256m", daemon.root().toString());
      assertSucceeds(client, small);
      Clients.eventually(
          Duration.ofSeconds(20),
          () -> {
            Footprint now = Footprint.of(daemon, port);
            return now.containers() == 0
                && now.cgroups() == 0
                && now.processes() == 0
                && now.mounts() == 1; // the disk itself
          },
          () -> "something is left");
    }
  }

  private static void assertSucceeds(Buildctl client, Path context) throws Exception {
    Run run = Distribution.await(client.build(context).start());
    assertThat(run.code()).as(run.output()).isZero();
  }
}
