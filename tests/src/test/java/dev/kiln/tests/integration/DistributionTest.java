package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

class DistributionTest {
  private static final int STEPS = 30;

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
  void bothCommandsTellTheirVersion() throws Exception {
    for (String command : List.of("kiln", "buildkitd")) {
      Path program = Distribution.home().resolve("bin").resolve(command);
      Run run = Distribution.await(new ProcessBuilder(program.toString(), "--version").start());
      assertThat(run.code()).isZero();
      assertThat(run.output()).containsPattern("kiln \\d+\\.\\d+\\.\\d+");
    }
  }

  @Test
  void aClientThatIsNotRootIsNotWarned() throws Exception {
    Run readable = asNobody("test", "-r", Distribution.home().resolve("lib/kiln.jar").toString());
    assumeThat(readable.code()).as("the distribution can be read by others").isZero();
    Run run = asNobody(Distribution.home().resolve("bin/kiln").toString(), "--version");
    assertThat(run.code()).isZero();
    assertThat(run.output()).startsWith("kiln ").doesNotContain("warning");
  }

  private static Run asNobody(String... command) throws Exception {
    var as =
        new ArrayList<>(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
    as.addAll(List.of(command));
    return Distribution.await(new ProcessBuilder(as).redirectErrorStream(true).start());
  }

  @Test
  void twoClientsOfOneGraphRunEachStepOnce() throws Exception {
    Path context = context(countedSteps());
    try (var daemon = Distribution.start(dir)) {
      Process one = daemon.build(context);
      Process two = daemon.build(context);
      assertThat(Distribution.await(one).code()).isZero();
      assertThat(Distribution.await(two).code()).isZero();
      assertThat(runs(daemon, context)).hasSize(STEPS).doesNotHaveDuplicates();
    }
  }

  /** Steps of which each leaves a line in a cache mount whenever it runs. */
  private static String countedSteps() {
    var text = new StringBuilder(BASE);
    for (int i = 0; i < STEPS; i++) {
      text.append("RUN --mount=type=cache,id=count,target=/count echo ")
          .append(i)
          .append(" >> /count/log");
      if (i == STEPS / 3) {
        text.append("; echo a \"third\" is done; /bin/busybox sleep 2");
      }
      text.append('\n');
    }
    return text.toString();
  }

  /** What the counted steps left. */
  private List<String> runs(Distribution daemon, Path context) throws Exception {
    Files.writeString(
        context.resolve("Dockerfile"),
        BASE
            + "RUN --mount=type=cache,id=count,target=/count /bin/busybox cp /count/log /log\n"
            + "FROM scratch\nCOPY --from=base /log /\n");
    Run read =
        Distribution.await(
            daemon.build(context, "--output", "type=local,dest=" + dir.resolve("out")));
    assertThat(read.code()).as(read.output()).isZero();
    return Files.readAllLines(dir.resolve("out/log"));
  }

  @Test
  void theEndOfOneClientLeavesTheOthersBuildGoingOn() throws Exception {
    Path context = context(countedSteps());
    try (var daemon = Distribution.start(dir)) {
      Process killed = daemon.build(context);
      Process kept = daemon.build(context);
      // The first steps are done and one runs when one of the two goes.
      try (var lines = Clients.readTo(killed, "a third is done")) {
        assertThat(lines).isNotNull();
        killed.destroyForcibly().waitFor();
      }
      Run run = Distribution.await(kept);
      assertThat(run.code()).as(run.output()).isZero();
      assertThat(runs(daemon, context)).hasSize(STEPS).doesNotHaveDuplicates();
    }
  }

  /** in full of the machine; of steps where the machine has cgroup v2, as BuildKit does. */
  @Test
  void provenanceTellsWhatABuildUsed() throws Exception {
    Path context =
        context(BASE + "RUN echo made > /made\nFROM scratch\nCOPY --from=base /made /\n");
    try (var daemon = Distribution.start(dir)) {
      Run run =
          Distribution.await(
              daemon.build(
                  context,
                  "--opt",
                  "attest:provenance=mode=max,capture-usage=true",
                  "--output",
                  "type=local,dest=" + dir.resolve("out")));
      assertThat(run.code()).as(run.output()).isZero();
    }
    JsonNode told = new ObjectMapper().readTree(dir.resolve("out/provenance.json").toFile());
    assertThat(told.findValue("sysUsage").get(0).at("/memoryStat/total").asLong()).isPositive();
    boolean unified = Files.exists(Path.of("/sys/fs/cgroup/cgroup.subtree_control"));
    assertThat(told.findValue("llbDefinition"))
        .filteredOn(step -> step.has("resourceUsage"))
        .hasSize(unified ? 1 : 0)
        .allMatch(step -> step.at("/resourceUsage/samples/0/cpuStat/usageNanos").asLong() > 0);
  }

  /** L-92: with a script in QEMU's place, which the machine can run. */
  @Test
  void aForeignStepIsGivenToTheEmulatorInPath() throws Exception {
    Path programs = Files.createDirectories(dir.resolve("programs"));
    Path emulator = programs.resolve("buildkit-qemu-mips");
    Files.writeString(emulator, "#!/bin/busybox sh\necho emulated > /made\nexec \"$@\"\n");
    Files.setPosixFilePermissions(emulator, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path context =
        context(BASE + "RUN echo made >> /made\nFROM scratch\nCOPY --from=base /made /\n");
    var path = Map.of("PATH", programs + ":" + System.getenv("PATH"));
    try (var daemon = Distribution.start(dir, path)) {
      Run run =
          Distribution.await(
              daemon.build(
                  context,
                  "--platform",
                  "linux/mips",
                  "--output",
                  "type=local,dest=" + dir.resolve("out")));
      assertThat(run.code()).as(run.output()).isZero();
    }
    assertThat(dir.resolve("out/made")).hasContent("emulated\nmade");
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
