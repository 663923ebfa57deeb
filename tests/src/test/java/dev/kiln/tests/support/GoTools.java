package dev.kiln.tests.support;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Programs of the field that Kiln must get on with, made from their published Go modules by the
 * first test that needs one, and kept in {@code ~/.cache/kiln-tests}. Without Go on the search path
 * such tests are skipped.
 */
public final class GoTools {
  private static final Path CACHE =
      Path.of(
              Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
                  .filter(set -> !set.isEmpty())
                  .orElse(System.getProperty("user.home") + "/.cache"))
          .resolve("kiln-tests");
  private static final String BUILDKIT = "v0.22.0";
  private static final String COLLECTOR = "v0.165.0";
  private static final long MINUTES = 20;

  private GoTools() {}

  /** BuildKit's command line client. */
  public static Path buildctl() throws IOException, InterruptedException {
    return tool(
        "buildctl-" + BUILDKIT,
        "go mod init kiln-tests"
            + " && go get github.com/moby/buildkit/cmd/buildctl@"
            + BUILDKIT
            + " && go build -o tool github.com/moby/buildkit/cmd/buildctl");
  }

  /** OpenTelemetry's collector with an OTLP receiver and an exporter that prints. */
  public static Path collector() throws IOException, InterruptedException {
    return tool(
        "otelcol-" + COLLECTOR,
        """
        cat >builder.yaml <<EOF
        dist:
          name: tool
          output_path: .
        receivers:
          - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver %1$s
        exporters:
          - gomod: go.opentelemetry.io/collector/exporter/debugexporter %1$s
        EOF
        go run go.opentelemetry.io/collector/cmd/builder@%1$s --config builder.yaml
        """
            .formatted(COLLECTOR));
  }

  /**
   * @param script makes the file {@code tool} in an empty folder
   */
  private static synchronized Path tool(String name, String script)
      throws IOException, InterruptedException {
    Path made = CACHE.resolve(name);
    if (Files.isExecutable(made)) {
      return made;
    }
    assumeTrue(
        hasGo(), "skipped: no go on the search path, and " + made + " has not been made before");
    Files.createDirectories(CACHE);
    try (var lock =
            FileChannel.open(
                CACHE.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var held = lock.lock()) {
      if (held.isValid() && Files.isExecutable(made)) {
        return made;
      }
      Path work = Files.createDirectories(CACHE.resolve(name + ".work-" + System.nanoTime()));
      Path log = CACHE.resolve(name + ".log");
      var command =
          new ProcessBuilder("sh", "-ec", script)
              .directory(work.toFile())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile());
      command.environment().put("CGO_ENABLED", "0");
      command.environment().put("GOFLAGS", "-mod=mod -buildvcs=false");
      command.environment().put("GOWORK", "off");
      Process process = command.start();
      if (!process.waitFor(MINUTES, TimeUnit.MINUTES)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
      assertThat(process.waitFor())
          .as("%s is made: %s", name, Files.readString(log, StandardCharsets.UTF_8))
          .isZero();
      Files.move(work.resolve("tool"), made, StandardCopyOption.ATOMIC_MOVE);
      delete(work);
      return made;
    }
  }

  private static void delete(Path folder) throws IOException {
    List<Path> all;
    try (var files = Files.walk(folder)) {
      all = files.toList();
    }
    for (Path file : all.reversed()) {
      Files.delete(file);
    }
  }

  private static boolean hasGo() {
    return List.of(Optional.ofNullable(System.getenv("PATH")).orElse("").split(":")).stream()
        .anyMatch(folder -> !folder.isEmpty() && Files.isExecutable(Path.of(folder, "go")));
  }
}
