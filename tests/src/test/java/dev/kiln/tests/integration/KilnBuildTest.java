package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.kiln.registry.real.DockerRegistry;
import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** {@code kiln build} with a daemon that serves many, as its users run it. */
class KilnBuildTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Two steps that make the same blob at different times, and one more. */
  private static final String DOCKERFILE =
      Buildctl.BASE
          + """
          FROM base AS one
          RUN busybox echo x > /x && busybox touch -d @0 /x && : one
          FROM base
          RUN busybox echo x > /x && busybox touch -d @0 /x && : two
          COPY --from=one /x /y
          """;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  private Path context;
  private Distribution daemon;

  @BeforeEach
  void start() throws Exception {
    context = Buildctl.context(dir.resolve("context"), DOCKERFILE);
    daemon = Distribution.start(dir);
  }

  @AfterEach
  void stop() {
    daemon.close();
  }

  private Run build(Map<String, String> environment, String... flags) throws Exception {
    ProcessBuilder client = Distribution.buildCommand(context, flags);
    client.command().addAll(List.of("--addr", daemon.address()));
    client.environment().putAll(environment);
    Run run = Distribution.await(client.start());
    assertThat(run.code()).as(run.output()).isZero();
    return run;
  }

  private String imageDigest() throws Exception {
    JsonNode metadata = JSON.readTree(dir.resolve("metadata.json").toFile());
    return metadata.path("containerimage.digest").asText();
  }

  @Test
  void aCacheIsHitFromWhereItWasWrittenAndGivesTheSameImage() throws Exception {
    String image = "type=oci,dest=" + dir.resolve("image.tar");
    String metadata = dir.resolve("metadata.json").toString();
    Path folder = dir.resolve("cache");
    try (var registry = DockerRegistry.open(Files.createDirectory(dir.resolve("registry")))) {
      String remote = "type=registry,ref=" + registry.host() + "/cache";
      build(
          Map.of(),
          "--output=" + image,
          "--metadata-file=" + metadata,
          "--cache-to=mode=max," + remote,
          "--cache-to=mode=max,type=local,dest=" + folder);
      String built = imageDigest();
      assertThat(built).startsWith("sha256:");
      assertThat(JSON.readTree(folder.resolve("index.json").toFile()).at("/manifests")).hasSize(1);
      for (String cache : List.of(remote, "type=local,src=" + folder)) {
        assertThat(Buildctl.of(daemon).run("prune", "--all").code()).isZero();
        Run again =
            build(
                Map.of(),
                "--output=" + image,
                "--metadata-file=" + metadata,
                "--cache-from=" + cache);
        assertThat(again.output().lines().filter(line -> line.endsWith(" CACHED")))
            .as(again.output())
            .hasSizeGreaterThanOrEqualTo(2);
        assertThat(imageDigest()).as(cache).isEqualTo(built);
      }
    }
  }

  @Test
  void theEpochOfTheEnvironmentIsTheImagesTime() throws Exception {
    Path archive = dir.resolve("image.tar");
    build(Map.of("SOURCE_DATE_EPOCH", "1000000000"), "--output=type=oci,dest=" + archive);
    var image = ExportedImage.read(archive, Set.of(), Optional.of(Instant.EPOCH));
    assertThat(image.shown().at("/0/config/created").asText()).isEqualTo("2001-09-09T01:46:40Z");
  }
}
