package dev.kiln.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Collector;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.Footprint;
import dev.kiln.tests.support.Steps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** A client that does not read slows nobody, costs no memory, and is told everything later. */
class StalledWatcherTest {
  private static final int LOG_BYTES = 100 << 20;
  private static final long HEAP_SLACK = 16 << 20;
  private static final long RSS_SLACK = 128 << 20;
  private static final Pattern LOG = Pattern.compile("\"data\":\"([^\"]*)\"");

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  @Test
  void aStoppedClientMissesNothingAndHoldsUpNobody() throws Exception {
    int port = Collector.freePort();
    try (var daemon =
        Distribution.start(
            dir,
            Map.of(
                "BUILDKIT_STEP_LOG_MAX_SIZE", "-1",
                "BUILDKIT_STEP_LOG_MAX_SPEED", "-1",
                "KILN_JAVA_OPTS", "-Xmx192m"), // so that resident memory tells something
            "--debugaddr",
            "127.0.0.1:" + port)) {
      Duration undisturbed = timeOf(client(daemon, "one", dir.resolve("undisturbed")));
      Footprint before = Footprint.of(daemon, port);
      long residentBefore = resident(daemon);

      Path told = dir.resolve("stalled");
      Process stalled = client(daemon, "two", told);
      Clients.eventually(
          Duration.ofSeconds(60), () -> logBytes(told) > 0, () -> "no output of the step");
      signal(stalled, "STOP");
      long seen = logBytes(told);
      // Another client of the same steps tells when they are done.
      Duration disturbed = timeOf(client(daemon, "two", dir.resolve("other")));
      Footprint during = Footprint.of(daemon, port);
      long residentDuring = resident(daemon);
      assertThat(stalled.isAlive()).isTrue();
      assertThat(seen).as("read before it was stopped").isLessThan(LOG_BYTES);

      signal(stalled, "CONT");
      assertThat(stalled.waitFor(120, TimeUnit.SECONDS)).isTrue();
      System.out.printf(
          "StalledWatcherTest: %d ms undisturbed, %d ms beside a stopped client that had read %d"
              + " bytes; heap %d -> %d, resident %d -> %d MiB%n",
          undisturbed.toMillis(),
          disturbed.toMillis(),
          seen,
          before.heapBytes() >> 20,
          during.heapBytes() >> 20,
          residentBefore >> 20,
          residentDuring >> 20);
      assertThat(stalled.exitValue()).isZero();
      assertThat(logBytes(told)).as("log bytes in the end").isEqualTo(LOG_BYTES);
      assertThat(Steps.of(Files.readString(told)).all())
          .as("the last event too")
          .allMatch(Steps.Step::completed)
          .anyMatch(step -> step.name().contains("RUN"));
      assertThat(disturbed).isLessThan(undisturbed.multipliedBy(2).plusSeconds(5));
      assertThat(during.heapBytes()).isLessThan(before.heapBytes() + HEAP_SLACK);
      assertThat(residentDuring).isLessThan(residentBefore + RSS_SLACK);
      daemon.closeClean();
    }
  }

  /** A build whose one step prints a lot; equal names make equal steps. */
  private Process client(Distribution daemon, String name, Path output) throws Exception {
    Path context =
        Buildctl.context(
            dir.resolve("context"),
            Buildctl.BASE
                + "ARG NAME\nRUN : $NAME; /bin/busybox yes "
                + "0123456789".repeat(9)
                + "012345678 | /bin/busybox head -c "
                + LOG_BYTES
                + "\n");
    return Buildctl.of(daemon)
        .command(
            "build",
            "--progress=rawjson",
            "--frontend=dockerfile.v0",
            "--opt=build-arg:NAME=" + name,
            "--local=context=" + context,
            "--local=dockerfile=" + context)
        .redirectOutput(output.toFile())
        .start();
  }

  private static Duration timeOf(Process client) throws InterruptedException {
    long begun = System.nanoTime();
    assertThat(client.waitFor(120, TimeUnit.SECONDS)).isTrue();
    assertThat(client.exitValue()).isZero();
    return Duration.ofNanos(System.nanoTime() - begun);
  }

  private static void signal(Process process, String name) throws Exception {
    Run run =
        Distribution.await(
            new ProcessBuilder("/bin/kill", "-" + name, String.valueOf(process.pid()))
                .redirectErrorStream(true)
                .start());
    assertThat(run.code()).as(run.output()).isZero();
  }

  /** The sum of all log messages, which are in base64. */
  private static long logBytes(Path output) throws IOException {
    try (Stream<String> lines = Files.lines(output)) {
      return lines
          .flatMap(line -> LOG.matcher(line).results().map(found -> found.group(1)))
          .mapToLong(text ->
              text.length() / 4 * 3L - (text.length() - text.replaceAll("=+$", "").length()))
          .sum();
    }
  }

  private static long resident(Distribution daemon) throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + daemon.pid() + "/status"))) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
          .sum();
    }
  }
}
