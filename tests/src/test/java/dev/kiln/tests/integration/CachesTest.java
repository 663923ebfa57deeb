package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.Steps;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * K-25 to K-31: caches in a client's folder and in images, our own and those that buildkitd v0.22.0
 * wrote of the same build ({@code resources/caches}), between daemons that share nothing else.
 */
class CachesTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** An ELF program for amd64 that ends with 0, and is the same everywhere. */
  private static final byte[] TOOL =
      HexFormat.of()
          .parseHex(
              "7f454c46020101000000000000000000"
                  + "02003e00010000007800400000000000"
                  + "40000000000000000000000000000000"
                  + "00000000400038000100000000000000"
                  + "01000000050000000000000000000000"
                  + "00004000000000000000400000000000"
                  + "81000000000000008100000000000000"
                  + "0010000000000000b83c00000031ff0f05");

  private static final String DOCKERFILE =
      """
      FROM scratch AS one
      COPY tool /tool
      RUN ["/tool", "x"]
      FROM scratch
      COPY --from=one /tool /copy
      COPY text /text
      """;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  private Path context;

  @BeforeEach
  void write() throws Exception {
    context = Files.createDirectories(dir.resolve("context"));
    Path tool = Files.write(context.resolve("tool"), TOOL);
    Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path text = Files.writeString(context.resolve("text"), "text\n");
    Files.setPosixFilePermissions(text, PosixFilePermissions.fromString("rw-r--r--"));
    Files.writeString(context.resolve("Dockerfile"), DOCKERFILE);
  }

  private Steps build(String daemonName, String... more) throws Exception {
    var args =
        new ArrayList<>(
            List.of(
                "build",
                "--progress=rawjson",
                "--frontend=dockerfile.v0",
                "--opt=platform=linux/amd64",
                "--local=context=" + context,
                "--local=dockerfile=" + context));
    args.addAll(List.of(more));
    try (var daemon = Distribution.start(Files.createDirectories(dir.resolve(daemonName)))) {
      Run run =
          Distribution.await(Buildctl.of(daemon).command(args.toArray(String[]::new)).start());
      assertThat(run.code()).as(run.output()).isZero();
      return Steps.of(run.output());
    }
  }

  private static Path golden(String name) throws Exception {
    URI at = Objects.requireNonNull(CachesTest.class.getResource("/caches/" + name)).toURI();
    return Path.of(at);
  }

  private static JsonNode blob(Path layout, String digest) throws IOException {
    return JSON.readTree(layout.resolve("blobs/sha256/" + digest.substring(7)).toFile());
  }

  private static JsonNode manifest(Path layout) throws IOException {
    JsonNode index = JSON.readTree(layout.resolve("index.json").toFile());
    return blob(layout, index.at("/manifests/0/digest").asText());
  }

  /** The keys of a cache and how they hang together, without what differs from run to run. */
  private static JsonNode keys(JsonNode config) {
    JsonNode records = (config.isArray() ? config : config.path("records")).deepCopy();
    for (JsonNode record : records) {
      for (String results : List.of("layers", "chains")) {
        for (JsonNode result : record.path(results)) {
          // Layers are numbered by the digests of their blobs, and those hold times and packing.
          ((ObjectNode) result).remove(List.of("createdAt", "layer"));
        }
      }
    }
    return records;
  }

  private static JsonNode configOf(Path layout) throws IOException {
    return blob(layout, manifest(layout).at("/config/digest").asText());
  }

  @Test
  void whatOneDaemonWritesAnotherReads() throws Exception {
    Path cache = dir.resolve("cache");
    Steps first = build("one", "--export-cache=type=local,mode=max,dest=" + cache);
    assertThat(first.cached()).isEmpty();
    assertThat(first.done()).hasSize(4);
    Steps second =
        build(
            "two",
            "--import-cache=type=local,src=" + cache,
            "--output=type=local,dest=" + dir.resolve("out"));
    assertThat(second.cached()).isEqualTo(first.done());
    assertThat(dir.resolve("out/text")).hasContent("text");
    assertThat(dir.resolve("out/copy")).hasBinaryContent(TOOL);

    assertThat(manifest(cache).at("/config/mediaType").asText())
        .isEqualTo("application/vnd.buildkit.cacheconfig.v0");
    assertThat(keys(configOf(cache)))
        .as("the same as BuildKit writes")
        .isEqualTo(keys(configOf(golden("local"))));
  }

  @Test
  void aCacheMayBeAnIndexOfDockersTypes() throws Exception {
    Path cache = dir.resolve("cache");
    Steps first =
        build(
            "one",
            "--export-cache=type=local,mode=max,image-manifest=false,oci-mediatypes=false,dest="
                + cache);
    assertThat(manifest(cache).path("mediaType").asText())
        .isEqualTo("application/vnd.docker.distribution.manifest.list.v2+json");
    assertThat(build("two", "--import-cache=type=local,src=" + cache).cached())
        .isEqualTo(first.done());
  }

  @Test
  void whatBuildKitWroteIsRead() throws Exception {
    Path cache = golden("local");
    Set<String> cached =
        build(
                "one",
                "--import-cache=type=local,src=" + cache,
                "--output=type=local,dest=" + dir.resolve("out"))
            .cached();
    assertThat(cached).hasSize(4);
    assertThat(dir.resolve("out/copy")).hasBinaryContent(TOOL);
    String digest =
        JSON.readTree(cache.resolve("index.json").toFile()).at("/manifests/0/digest").asText();
    assertThat(
            build("two", "--import-cache=type=local,digest=" + digest + ",src=" + cache).cached())
        .isEqualTo(cached);
  }

  @Test
  void anImageCarriesTheCacheThatBuildKitPutsIn() throws Exception {
    Path image = dir.resolve("image");
    build("one", "--export-cache=type=inline", "--output=type=oci,tar=false,dest=" + image);
    JsonNode ours = inline(image);
    assertThat(keys(ours)).isNotEmpty().isEqualTo(keys(inline(golden("inline"))));
  }

  private static JsonNode inline(Path image) throws IOException {
    return JSON.readTree(configOf(image).path("moby.buildkit.cache.v0").binaryValue());
  }
}
