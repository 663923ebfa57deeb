package dev.kiln.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Location;
import dev.kiln.grpc.pb.Locations;
import dev.kiln.grpc.pb.OpMetadata;
import dev.kiln.grpc.pb.Range;
import dev.kiln.llb.FrontendResult;
import dev.kiln.llb.ImageQuery;
import dev.kiln.llb.SolveRequest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Digest;
import dev.kiln.model.Progress;
import dev.kiln.model.SourceRange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Each Dockerfile of {@code golden/} through the whole frontend, held against what BuildKit v0.22's
 * Go frontend asked of the same prepared daemon: the digest of every op, its name, capabilities,
 * lines and flags, every image asked for, warnings, errors with their lines, and the metadata of
 * the result. {@code NAME.opts.json} and {@code NAME.files.json} are a case's options and files.
 */
class GoldenTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path FOLDER = Path.of("src/test/resources/golden");

  @TestFactory
  Stream<DynamicTest> asTheGoFrontend() throws IOException {
    JsonNode images = JSON.readTree(Files.readString(FOLDER.resolve("images.json")));
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files
          .filter(file -> file.toString().endsWith(".Dockerfile"))
          .sorted()
          .toList()
          .stream()
          .map(file -> {
            String name = file.getFileName().toString().replace(".Dockerfile", "");
            return DynamicTest.dynamicTest(name, () -> check(name, images));
          });
    }
  }

  private static void check(String name, JsonNode images) throws Exception {
    Map<String, String> opts = new TreeMap<>();
    read(name + ".opts.json")
        .properties()
        .forEach(e -> opts.put(e.getKey(), e.getValue().asText()));
    Map<String, Map<String, String>> files = new HashMap<>();
    read(name + ".files.json")
        .properties()
        .forEach(e -> {
          var texts = new HashMap<String, String>();
          e.getValue().properties().forEach(f -> texts.put(f.getKey(), f.getValue().asText()));
          files.put(e.getKey(), texts);
        });
    files
        .computeIfAbsent("local://dockerfile", k -> new HashMap<>())
        .put(
            opts.getOrDefault("filename", "Dockerfile"),
            Files.readString(FOLDER.resolve(name + ".Dockerfile")));
    JsonNode expected = read(name + ".golden.json");
    var client = new FakeFrontendClient(images, files);
    Map<String, String> metadata = new TreeMap<>();
    List<String> attestations = new ArrayList<>();
    String error = "";
    List<String> lines = new ArrayList<>();
    try {
      FrontendResult result = new DockerfileFrontend().solve(client, opts, Map.of());
      result.metadata().forEach((k, v) -> metadata.put(k, new String(v, StandardCharsets.UTF_8)));
      result
          .attestations()
          .forEach((k, as) ->
              as.forEach(a -> attestations.add(k + " " + a.statement().predicateType())));
    } catch (BuildException e) {
      error = e.getMessage();
      for (Detail detail : e.details()) {
        if (detail instanceof Detail.SourceLocation location) {
          lines.add(lines(location.ranges()));
        }
      }
    }
    assertThat(error).isEqualTo(expected.path("Error").asText(""));
    assertThat(lines).isEqualTo(texts(expected.path("Lines")));
    // The Go frontend solves several platforms at once: their order is chance.
    assertThat(client.solves.stream().map(GoldenTest::shown).toList())
        .containsExactlyInAnyOrderElementsOf(expectedSolves(expected.path("Solves")));
    assertThat(client.resolves.stream().map(GoldenTest::shown).sorted().toList())
        .isEqualTo(texts(expected.path("Resolves")));
    assertThat(client.warnings.stream().map(GoldenTest::shown).sorted().toList())
        .isEqualTo(texts(expected.path("Warnings")));
    assertThat(attestations).isEqualTo(texts(expected.path("Attest")));
    Map<String, String> expectedMetadata = new TreeMap<>();
    expected
        .path("Metadata")
        .properties()
        .forEach(e -> expectedMetadata.put(e.getKey(), e.getValue().asText()));
    assertThat(metadata).isEqualTo(expectedMetadata);
  }

  private static JsonNode read(String file) throws IOException {
    Path path = FOLDER.resolve(file);
    return Files.exists(path) ? JSON.readTree(Files.readString(path)) : JSON.createObjectNode();
  }

  private static List<String> texts(JsonNode array) {
    var texts = new ArrayList<String>();
    array.forEach(item -> texts.add(item.asText()));
    return texts;
  }

  private static List<Map<String, Object>> expectedSolves(JsonNode solves) {
    var all = new ArrayList<Map<String, Object>>();
    for (JsonNode solve : solves) {
      var opts = new TreeMap<String, String>();
      solve
          .path("FrontendOpt")
          .properties()
          .forEach(e -> opts.put(e.getKey(), e.getValue().asText()));
      all.add(
          solve(
              texts(solve.path("ops")).stream()
                  .map(op -> op.replace("exec.meta.setsdefaultpath,", ""))
                  .toList(),
              solve.path("Evaluate").asBoolean(),
              solve.path("Frontend").asText(""),
              opts,
              texts(solve.path("Imports"))));
    }
    return all;
  }

  private static Map<String, Object> shown(SolveRequest request) {
    return solve(
        request.definition().map(GoldenTest::ops).orElse(List.of()),
        request.evaluate(),
        request.frontend(),
        new TreeMap<>(request.opts()),
        request.cacheImports().stream()
            .map(i ->
                i.type()
                    + "map["
                    + String.join(
                        " ",
                        i.attrs().entrySet().stream()
                            .map(e -> e.getKey() + ":" + e.getValue())
                            .sorted()
                            .toList())
                    + "]")
            .toList());
  }

  private static Map<String, Object> solve(
      List<String> ops,
      boolean evaluate,
      String frontend,
      Map<String, String> opts,
      List<String> imports) {
    var shown = new LinkedHashMap<String, Object>();
    shown.put("ops", ops);
    shown.put("evaluate", evaluate);
    shown.put("frontend", frontend);
    shown.put("opts", opts);
    shown.put("imports", imports);
    return shown;
  }

  private static List<String> ops(Definition definition) {
    var ops = new ArrayList<String>();
    for (ByteString bytes : definition.getDefList()) {
      String digest = Digest.of(bytes.toByteArray()).value();
      OpMetadata m = definition.getMetadataOrDefault(digest, OpMetadata.getDefaultInstance());
      var lines = new ArrayList<String>();
      for (Location location :
          definition
              .getSource()
              .getLocationsOrDefault(digest, Locations.getDefaultInstance())
              .getLocationsList()) {
        for (Range range : location.getRangesList()) {
          lines.add(Integer.toString(range.getStart().getLine()));
        }
      }
      String flags = (m.getIgnoreCache() ? "ignore " : "") + (m.hasProgressGroup() ? "group " : "");
      ops.add(
          String.join(
              "|",
              digest,
              m.getDescriptionOrDefault("llb.customname", ""),
              m.getDescriptionOrDefault("com.docker.dockerfile.v1.command", "-"),
              caps(m),
              String.join(",", lines),
              flags.strip()));
    }
    return ops;
  }

  /** The Go frontend knows of that capability only where it marshals a target. */
  private static String caps(OpMetadata m) {
    return String.join(
        ",",
        m.getCapsMap().keySet().stream()
            .filter(cap -> !cap.equals("exec.meta.setsdefaultpath"))
            .sorted()
            .toList());
  }

  private static String shown(ImageQuery query) {
    return query.ref()
        + "|"
        + query.logName()
        + query
            .platform()
            .map(p -> "|" + p.os() + "/" + p.architecture() + "/" + p.variant())
            .orElse("")
        + query.layout().map(l -> "|" + l.storeId()).orElse("");
  }

  private static String shown(Progress.Warning warning) {
    return warning.summary()
        + "|"
        + warning.url()
        + "|["
        + lines(warning.ranges()).replace(',', ' ')
        + "]";
  }

  private static String lines(List<SourceRange> ranges) {
    return String.join(
        ",",
        ranges.stream()
            .sorted(Comparator.comparingInt(SourceRange::startLine))
            .map(r -> Integer.toString(r.startLine()))
            .toList());
  }
}
