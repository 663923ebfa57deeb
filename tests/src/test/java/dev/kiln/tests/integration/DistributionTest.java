package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

class DistributionTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  private Path context(String dockerfile) throws Exception {
    Path context = Files.createDirectories(dir.resolve("context"));
    Files.copy(Path.of("/bin/busybox"), context.resolve("busybox"));
    Files.writeString(context.resolve("Dockerfile"), dockerfile);
    return context;
  }

  private static final String BASE =
      """
      FROM scratch AS base
      COPY busybox /bin/busybox
      SHELL ["/bin/busybox", "sh", "-c"]
      """;

  @Test
  void buildsAndIsCachedTheSecondTimeAndAfterACrash() throws Exception {
    Path context =
        context(BASE + "RUN echo made > /made\nFROM scratch\nCOPY --from=base /made /\n");
    String dest = "type=local,dest=" + dir.resolve("out");
    try (var daemon = Distribution.start(dir)) {
      Run first = Distribution.await(daemon.build(context, "--output", dest));
      assertThat(first.code()).as(first.output()).isZero();
      assertThat(dir.resolve("out/made")).hasContent("made");
      assertThat(first.output()).doesNotContain("CACHED");
      Run second = Distribution.await(daemon.build(context, "--output", dest));
      assertThat(second.code()).isZero();
      assertThat(second.output()).contains("CACHED");
      daemon.crash();
    }
    try (var daemon = Distribution.start(dir)) {
      Run again = Distribution.await(daemon.build(context, "--output", dest));
      assertThat(again.code()).as(again.output()).isZero();
      assertThat(again.output().lines().filter(line -> line.endsWith("CACHED"))).hasSize(3);
      daemon.close();
      assertThat(daemon.mounts()).isEmpty();
    }
  }

  @Test
  void twoClientsOfOneGraphRunEachStepOnce() throws Exception {
    var text = new StringBuilder(BASE);
    for (int i = 0; i < 15; i++) {
      text.append("RUN --mount=type=cache,id=count,target=/count echo ")
          .append(i)
          .append(" >> /count/log\n");
    }
    Path context = context(text.toString());
    try (var daemon = Distribution.start(dir)) {
      Process one = daemon.build(context);
      Process two = daemon.build(context);
      assertThat(Distribution.await(one).code()).isZero();
      assertThat(Distribution.await(two).code()).isZero();
      Files.writeString(
          context.resolve("Dockerfile"),
          BASE
              + "RUN --mount=type=cache,id=count,target=/count /bin/busybox cp /count/log /log\n"
              + "FROM scratch\nCOPY --from=base /log /\n");
      Run read =
          Distribution.await(
              daemon.build(context, "--output", "type=local,dest=" + dir.resolve("out")));
      assertThat(read.code()).as(read.output()).isZero();
      assertThat(Files.readAllLines(dir.resolve("out/log"))).hasSize(15).doesNotHaveDuplicates();
    }
  }

  @Test
  void theEndOfOneClientLeavesTheOthersBuildGoingOn() throws Exception {
    Path context =
        context(
            BASE
                + "RUN /bin/busybox sleep 3\nRUN echo done > /done\nFROM scratch\nCOPY --from=base /done /\n");
    try (var daemon = Distribution.start(dir)) {
      Process killed = daemon.build(context);
      Process kept = daemon.build(context, "--output", "type=local,dest=" + dir.resolve("out"));
      // The first step is shown by both before one of them goes.
      try (var lines = killed.inputReader()) {
        assertThat(lines.lines().anyMatch(line -> line.contains("busybox sleep"))).isTrue();
        killed.destroyForcibly().waitFor();
      }
      Run run = Distribution.await(kept);
      assertThat(run.code()).as(run.output()).isZero();
      assertThat(dir.resolve("out/done")).hasContent("done");
    }
  }

  @Test
  void aFailingStepEndsTheClientWithItsErrorAndLeavesNothing() throws Exception {
    Path context = context(BASE + "RUN exit 7\n");
    try (var daemon = Distribution.start(dir)) {
      Run run = Distribution.await(daemon.build(context));
      assertThat(run.code()).isNotZero();
      assertThat(run.output()).contains("exit code: 7").contains("Dockerfile:4");
      daemon.close();
      assertThat(daemon.mounts()).isEmpty();
    }
  }
}
