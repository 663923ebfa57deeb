package dev.kiln.control.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import dev.kiln.control.history.Provenance.Request;
import dev.kiln.control.history.Provenance.Run;
import dev.kiln.control.history.Provenance.Usage;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.Source;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.llb.Definitions;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Platform;
import dev.kiln.ops.Materials;
import dev.kiln.sources.Material;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** A-05 to A-12. {@code ops.txt} holds ops and their JSON, both made by BuildKit v0.22's client. */
class ProvenanceTest {
  private static final Run RUN =
      new Run(
          "b1", Instant.parse("2024-01-02T03:04:05.12Z"), Instant.parse("2024-01-02T03:04:06Z"));

  private record Line(byte[] op, String json) {}

  private static List<Line> lines() throws IOException {
    var all = new ArrayList<Line>();
    try (var reader =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(ProvenanceTest.class.getResourceAsStream("ops.txt")),
                StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        int space = line.indexOf(' ');
        all.add(
            new Line(
                Base64.getDecoder().decode(line.substring(0, space)), line.substring(space + 1)));
      }
    }
    return all;
  }

  private static Definition definition() throws IOException {
    Definition.Builder definition = Definition.newBuilder();
    lines().forEach(line -> definition.addDef(ByteString.copyFrom(line.op())));
    definition.setSource(
        Source.newBuilder()
            .addInfos(
                SourceInfo.newBuilder()
                    .setFilename("Dockerfile")
                    .setData(ByteString.copyFromUtf8("FROM x"))));
    return definition.build();
  }

  @Test
  void opsAreWrittenAsGoWritesThem() throws IOException {
    assertThat(lines()).hasSizeGreaterThan(8);
    for (Line line : lines()) {
      assertThat(ProtoGoJson.of(Op.parseFrom(line.op()))).hasToString(line.json());
    }
  }

  private static JsonNode predicate(String options, Map<String, String> opts, String frontend)
      throws IOException {
    var attrs = new TreeMap<String, String>();
    for (String option : options.split(",")) {
      attrs.put(option.split("=")[0], option.split("=")[1]);
    }
    Definition definition = definition();
    Capture capture =
        Capture.of(
            List.of(Definitions.parse(definition, Platform.host()).orElseThrow()),
            new Materials(),
            List.of(
                new Material.Image(
                    "docker.io/library/busybox:latest",
                    Optional.of(Platform.parse("linux/amd64")),
                    Optional.of(Digest.of("x")),
                    false),
                new Material.Image(
                    "docker.io/library/busybox@" + Digest.of("x"),
                    Optional.empty(),
                    Optional.of(Digest.of("x")),
                    false)),
            false);
    Digest step = execs().getFirst();
    var provenance =
        new Provenance(
            ProvenanceOptions.parse(attrs),
            new Request(frontend, new TreeMap<>(opts)),
            capture,
            Optional.of(definition),
            RUN,
            () -> new Usage(Map.of(step, "{\"samples\":[]}"), List.of("{}", "{}")));
    return new ObjectMapper().readTree(provenance.predicate(List.of()));
  }

  private static final Map<String, String> OPTS =
      Map.of(
          "filename", "Dockerfile",
          "context", "https://u:p@example.com/x.git",
          "build-arg:FOO", "bar",
          "target", "t",
          "platform", "linux/amd64",
          "attest:provenance", "mode=max",
          "context:foo", "https://u:p@example.com/foo",
          "vcs:source", "https://u@example.com/s",
          "vcs:revision", "r1");

  @Test
  void maxTellsStepsParametersAndSources() throws IOException {
    JsonNode p = predicate("mode=max,builder-id=me", OPTS, "dockerfile.v0");
    assertThat(p.at("/builder/id").asText()).isEqualTo("me");
    assertThat(p.at("/invocation/configSource/uri").asText())
        .isEqualTo("https://xxxxx:xxxxx@example.com/x.git");
    assertThat(p.at("/invocation/configSource/entryPoint").asText()).isEqualTo("Dockerfile");
    assertThat(p.at("/invocation/parameters/args").properties())
        .extracting(e -> e.getKey() + "=" + e.getValue().asText())
        .containsExactly(
            "build-arg:FOO=bar", "context:foo=https://xxxxx:xxxxx@example.com/foo", "target=t");
    assertThat(p.at("/invocation/parameters/secrets/0/id").asText()).isEqualTo("sid");
    assertThat(p.at("/invocation/parameters/ssh/0/optional").asBoolean()).isTrue();
    assertThat(p.at("/materials")).hasSize(1);
    assertThat(p.at("/materials/0/uri").asText())
        .isEqualTo("pkg:docker/busybox@latest?platform=linux%2Famd64");
    assertThat(p.at("/buildConfig/llbDefinition")).hasSize(lines().size());
    assertThat(p.at("/buildConfig/digestMapping")).hasSize(lines().size());
    JsonNode metadata = p.at("/metadata");
    assertThat(metadata.path("buildStartedOn").asText()).isEqualTo("2024-01-02T03:04:05.12Z");
    assertThat(metadata.at("/completeness/parameters").asBoolean()).isTrue();
    JsonNode own = metadata.path("https://mobyproject.org/buildkit@v1#metadata");
    assertThat(own.at("/vcs/source").asText()).isEqualTo("https://xxxxx@example.com/s");
    assertThat(own.at("/source/infos/0/filename").asText()).isEqualTo("Dockerfile");
  }

  private static List<Digest> execs() throws IOException {
    var execs = new ArrayList<Digest>();
    for (Line line : lines()) {
      if (Op.parseFrom(line.op()).hasExec()) {
        execs.add(Digest.of(line.op()));
      }
    }
    return execs;
  }

  /** A-11, A-48, A-50. */
  @Test
  void usageIsToldWhereItIsAskedFor() throws IOException {
    String sysUsage = "/metadata/https:~1~1mobyproject.org~1buildkit@v1#metadata/sysUsage";
    JsonNode told = predicate("mode=max,capture-usage=true", OPTS, "dockerfile.v0");
    assertThat(told.at(sysUsage)).hasSize(2);
    String step = told.at("/buildConfig/digestMapping").path(execs().getFirst().value()).asText();
    assertThat(told.at("/buildConfig/llbDefinition"))
        .filteredOn(one -> one.has("resourceUsage"))
        .singleElement()
        .satisfies(one -> assertThat(one.path("id").asText()).isEqualTo(step))
        .satisfies(one -> assertThat(one.at("/resourceUsage/samples").isArray()).isTrue());
    JsonNode shortly = predicate("mode=min,capture-usage=1", OPTS, "dockerfile.v0");
    assertThat(shortly.at(sysUsage)).hasSize(2);
    assertThat(shortly.toString()).doesNotContain("resourceUsage");
    for (String other : List.of("mode=max", "mode=max,capture-usage=perhaps")) {
      assertThat(predicate(other, OPTS, "dockerfile.v0").toString())
          .doesNotContain("resourceUsage")
          .doesNotContain("sysUsage");
    }
  }

  @Test
  void minKeepsParametersToItself() throws IOException {
    JsonNode p = predicate("mode=min", OPTS, "dockerfile.v0");
    assertThat(p.has("buildConfig")).isFalse();
    assertThat(p.at("/invocation/parameters/args").has("build-arg:FOO")).isFalse();
    assertThat(p.at("/invocation/parameters").has("secrets")).isFalse();
    assertThat(p.at("/metadata/completeness/parameters").asBoolean()).isFalse();
    assertThat(p.at("/metadata").path("https://mobyproject.org/buildkit@v1#metadata").has("source"))
        .isFalse();
  }

  @Test
  void versionOneTellsTheSameElsewhere() throws IOException {
    JsonNode p = predicate("version=v1", OPTS, "dockerfile.v0");
    assertThat(p.at("/buildDefinition/externalParameters/configSource/path").asText())
        .isEqualTo("Dockerfile");
    assertThat(p.at("/buildDefinition/externalParameters/request/args/target").asText())
        .isEqualTo("t");
    assertThat(p.at("/buildDefinition/resolvedDependencies")).hasSize(1);
    assertThat(p.at("/runDetails/metadata/invocationId").asText()).isEqualTo("b1");
  }

  @Test
  void wrongOptionsAreRefused() {
    assertThatThrownBy(() -> ProvenanceOptions.parse(Map.of("mode", "some")))
        .isInstanceOf(BuildException.class)
        .hasMessage("invalid mode \"some\"");
    assertThatThrownBy(() -> ProvenanceOptions.parse(Map.of("reproducible", "perhaps")))
        .hasMessageContaining("failed to parse reproducible flag");
  }
}
