package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.remotecache.ActionsServer;
import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.Steps;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A cache at GitHub Actions: BuildKit's client, our daemon, the service played. */
class GithubCacheTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  private ProcessBuilder build(Distribution daemon, Path context, String... more) throws Exception {
    var args =
        Stream.concat(
            Stream.of(
                "build",
                "--progress=rawjson",
                "--frontend=dockerfile.v0",
                "--local=context=" + context,
                "--local=dockerfile=" + context,
                "--output=type=local,dest=" + dir.resolve("out")),
            Arrays.stream(more));
    return Buildctl.of(daemon).command(args.toArray(String[]::new));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aFreshDaemonHasEachStepFromTheCache(int version) throws Exception {
    Path context =
        Buildctl.context(
            dir.resolve("context"),
            Buildctl.BASE
                + "RUN echo $(/bin/busybox cat /proc/sys/kernel/random/uuid) > /made\n"
                + "RUN echo more >> /made\n"
                + "FROM scratch\nCOPY --from=base /made /\n");
    try (var server = ActionsServer.start(Clock.systemUTC())) {
      String token = server.tokenFor("refs/heads/main");
      String cache =
          "type=gha,scope=app,url=" + server.url() + ",version=" + version + ",token=" + token;
      try (var daemon = Distribution.start(Files.createDirectories(dir.resolve("first")))) {
        Run first = run(build(daemon, context, "--export-cache=" + cache + ",mode=max"));
        assertThat(first.output()).contains("exporting to GitHub Actions Cache");
        assertThat(Steps.of(first.output()).cached()).isEmpty();
        daemon.closeClean();
      }
      assertThat(server.keys())
          .filteredOn(key -> !key.matches("buildkit-blob-1-sha256:[0-9a-f]{64}"))
          .singleElement()
          .asString()
          .matches("index-app-1-[0-9a-f]{8}#1");
      String made = Files.readString(dir.resolve("out/made"));

      try (var daemon = Distribution.start(Files.createDirectories(dir.resolve("second")))) {
        // As in a workflow, where the client finds address and token in its environment.
        ProcessBuilder again = build(daemon, context, "--import-cache=type=gha,scope=app");
        var environment = again.environment();
        environment.put("ACTIONS_RUNTIME_TOKEN", token);
        environment.put("ACTIONS_CACHE_URL", server.url());
        environment.put("ACTIONS_RESULTS_URL", server.url());
        environment.put("ACTIONS_CACHE_SERVICE_V2", version == 2 ? "True" : "");
        Run second = run(again);
        Steps steps = Steps.of(second.output());
        assertThat(steps.cached()).isEqualTo(steps.done()).hasSize(4);
        assertThat(dir.resolve("out/made")).hasContent(made.strip());
        assertThat(second.output()).doesNotContain(token);
        Run history = Buildctl.of(daemon).run("debug", "histories", "--format=json");
        assertThat(history.output()).contains("cache-imports").doesNotContain(token);
        daemon.closeClean();
      }
      assertThat(namesOfFilesThatHold(token)).isEmpty();
    }
  }

  private static Run run(ProcessBuilder client) throws Exception {
    Run run = Distribution.await(client.start());
    assertThat(run.code()).as(run.output()).isZero();
    return run;
  }

  private List<Path> namesOfFilesThatHold(String text) throws IOException {
    try (var files = Files.walk(dir)) {
      return files.filter(Files::isRegularFile).filter(file -> holds(file, text)).toList();
    }
  }

  private static boolean holds(Path file, String text) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1).contains(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
