package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Collector;
import dev.kiln.tests.support.Collector.Span;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.Steps;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** What arrives at a collector of a build: BuildKit's client, our daemon, OpenTelemetry's own. */
class TracingTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String CALLER = "b7ad6b7169203331";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  @Test
  void everyVertexIsOneSpanOfTheClientsTrace() throws Exception {
    Path layout = dir.resolve("layout");
    Set<String> vertices = new TreeSet<>();
    List<Span> spans;
    try (var collector = Collector.start(dir)) {
      try (var daemon =
          Distribution.start(
              dir,
              Map.of(
                  "OTEL_EXPORTER_OTLP_ENDPOINT",
                  collector.endpoint(),
                  "OTEL_BSP_SCHEDULE_DELAY",
                  "50"))) {
        var client = Buildctl.of(daemon);
        Path base = Buildctl.context(dir.resolve("base"), Buildctl.BASE);
        Run made =
            Distribution.await(
                client.build(base, "--output=type=oci,tar=false,dest=" + layout).start());
        assertThat(made.code()).as(made.output()).isZero();
        Distribution.await(client.command("prune", "--all").start());
        JsonNode index = JSON.readTree(layout.resolve("index.json").toFile());
        String digest = index.at("/manifests/0/digest").asText();

        var steps = new StringBuilder("FROM base\nSHELL [\"/bin/busybox\", \"sh\", \"-c\"]\n");
        for (int i = 0; i < 5; i++) {
          steps.append("RUN echo ").append(i).append(" > /").append(i).append('\n');
        }
        steps.append("RUN test -S /dev/otel-grpc.sock && /bin/busybox env > /env\n");
        Path context = Buildctl.context(dir.resolve("context"), steps.toString());
        var build =
            client.command(
                "build",
                "--progress=rawjson",
                "--frontend=dockerfile.v0",
                "--local=context=" + context,
                "--local=dockerfile=" + context,
                "--oci-layout=base=" + layout,
                "--opt=context:base=oci-layout://base@" + digest,
                "--output=type=local,dest=" + dir.resolve("out"));
        build.environment().put("TRACEPARENT", "00-" + TRACE + "-" + CALLER + "-01");
        Run run = Distribution.await(build.start());
        assertThat(run.code()).as(run.output()).isZero();
        vertices.addAll(Steps.of(run.output()).digests());
        daemon.closeClean(); // sends what it still has
      }
      collector.close();
      spans = collector.spans().stream().filter(span -> span.trace().equals(TRACE)).toList();
    }
    Files.writeString(dir.resolve("spans"), spans.toString());

    List<Span> steps = spans.stream().filter(s -> s.attribute("vertex").isPresent()).toList();
    assertThat(vertices).hasSizeGreaterThan(8);
    assertThat(steps)
        .as("as many step spans as vertices")
        .extracting(step -> step.attribute("vertex").orElseThrow())
        .containsExactlyInAnyOrderElementsOf(vertices);

    Map<String, Span> byId = spans.stream().collect(Collectors.toMap(Span::id, s -> s));
    Span solve =
        spans.stream()
            .filter(s -> s.name().equals("moby.buildkit.v1.Control/Solve"))
            .filter(s -> steps.getFirst().parent().equals(s.id()))
            .findFirst()
            .orElseThrow();
    assertThat(steps).extracting(Span::parent).containsOnly(solve.id());
    Span above = solve;
    while (byId.containsKey(above.parent())) {
      above = byId.get(above.parent());
    }
    assertThat(above).as("the client's own spans arrive too").isNotSameAs(solve);
    assertThat(above.parent()).isEqualTo(CALLER);

    Set<String> stepIds = steps.stream().map(Span::id).collect(Collectors.toSet());
    List<String> below =
        spans.stream()
            .filter(s -> stepIds.contains(s.parent()))
            .map(s -> s.name().replaceFirst(":.*", ""))
            .distinct()
            .toList();
    assertThat(below).contains("cache request", "run");
    List<String> names = spans.stream().map(Span::name).toList();
    assertThat(names).contains("exec", "pull");
    assertThat(names.stream().filter("exec"::equals)).hasSize(6);
    assertThat(steps).extracting(Span::name).anyMatch(name -> name.startsWith("exporting to"));
    String parent =
        Files.readAllLines(dir.resolve("out/env")).stream()
            .filter(line -> line.startsWith("TRACEPARENT=00-" + TRACE))
            .map(line -> line.split("-")[2])
            .findFirst()
            .orElseThrow();
    assertThat(spans)
        .as("what a process is told to be below")
        .filteredOn(span -> span.id().equals(parent))
        .extracting(Span::name)
        .containsExactly("exec");
  }
}
