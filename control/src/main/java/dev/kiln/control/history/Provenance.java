package dev.kiln.control.history;

import dev.kiln.exporters.image.Manifests;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Locations;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.model.Attestation;
import dev.kiln.model.Attestation.AttestationKind;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.GoJson;
import dev.kiln.model.Platform;
import dev.kiln.tracing.Redaction;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * The SLSA predicate of one result, v0.2 or v1 (features ). Immutable. Source of names
 * and order: BuildKit v0.22 {@code solver/llbsolver/provenance}; of v1, its {@code
 * docs/attestations/slsa-definitions.md} since v0.23.
 */
public final class Provenance {
  private static final String BUILDKIT = "https://mobyproject.org/buildkit@v1";
  private static final String V1_TYPE =
      "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md";
  private static final String V02_PREDICATE = "https://slsa.dev/provenance/v0.2";
  private static final String V1_PREDICATE = "https://slsa.dev/provenance/v1";

  private final ProvenanceOptions options;
  private final Request request;
  private final Capture capture;
  private final Optional<Definition> definition;
  private final Optional<BuildSteps> steps;
  private final Run run;
  private final Usage usage;

  /**
   * What was asked of a frontend; a frontend of the empty name is the client itself.
   *
   * @param opts as they were given
   */
  public record Request(String frontend, SortedMap<String, String> opts) {
    /** A client that sends definitions. */
    public static final Request NONE = new Request("", new TreeMap<>());
  }

  /**
   * The layers of one output of a vertex, bottom first; several chains where several records are
   * known.
   */
  public record StepLayers(Digest vertex, int output, List<List<Descriptor>> chains) {
    public StepLayers {
      chains = chains.stream().map(List::copyOf).toList();
    }
  }

  /**
   * One build.
   *
   * @param id names it for people
   */
  public record Run(String id, Instant started, Instant finished) {}

  /**
   * What was used, as JSON: by steps, named by their vertices, and of the machine while the build
   * ran.
   */
  public record Usage(Map<Digest, String> steps, List<String> system) {
    static final Usage UNTOLD = new Usage(Map.of(), List.of());

    public Usage {
      steps = Map.copyOf(steps);
      system = List.copyOf(system);
    }
  }

  /**
   * @param usage asked where the options want it told
   */
  public Provenance(
      ProvenanceOptions options,
      Request request,
      Capture capture,
      Optional<Definition> definition,
      Run run,
      Supplier<Usage> usage) {
    this.options = options;
    this.request = request;
    this.capture = capture;
    this.definition = definition;
    this.steps = options.max() ? definition.flatMap(BuildSteps::of) : Optional.empty();
    this.run = run;
    this.usage = options.usage() ? usage.get() : Usage.UNTOLD;
  }

  /** The predicate as a statement for exporters; these name its subject. */
  public Attestation attestation(List<StepLayers> layers) {
    return new Attestation(
        AttestationKind.IN_TOTO,
        Map.of(
            "reason",
            utf8("provenance"),
            "inline-only",
            utf8(String.valueOf(options.inlineOnly()))),
        options.filename(),
        predicate(layers),
        predicateType(),
        List.of());
  }

  public String predicateType() {
    return options.v1() ? V1_PREDICATE : V02_PREDICATE;
  }

  /**
   * The predicate as indented JSON.
   *
   * @param layers those that are known; only told in full
   */
  public byte[] predicate(List<StepLayers> layers) {
    var arguments = new Arguments(request, options.max());
    GoJson json = options.v1() ? v1(arguments, layers) : v02(arguments, layers);
    return utf8(GoJson.indent(json.toString()));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private boolean materialsAreComplete() {
    return !capture.incomplete() && capture.locals().isEmpty();
  }

  private GoJson v02(Arguments arguments, List<StepLayers> layers) {
    GoJson json =
        GoJson.object()
            .raw("builder", GoJson.object().text("id", options.builderId()).toString())
            .text("buildType", BUILDKIT)
            .objectsIfSet("materials", MaterialList.of(capture));
    GoJson parameters = GoJson.object().textIfSet("frontend", request.frontend());
    requestInto(parameters, arguments);
    json.raw(
        "invocation",
        GoJson.object()
            .raw("configSource", configSource(arguments, "entryPoint").toString())
            .raw("parameters", parameters.toString())
            .raw(
                "environment",
                GoJson.object().text("platform", Platform.host().formatShort()).toString())
            .toString());
    Optional<GoJson> config = buildConfig();
    json.objectIfSet("buildConfig", config);
    GoJson metadata =
        GoJson.object()
            .textIfSet("buildInvocationID", run.id())
            .text("buildStartedOn", time(run.started()))
            .text("buildFinishedOn", time(run.finished()))
            .raw(
                "completeness",
                GoJson.object()
                    .raw("parameters", String.valueOf(arguments.complete()))
                    .raw("environment", "true")
                    .raw("materials", String.valueOf(materialsAreComplete()))
                    .toString())
            .raw("reproducible", String.valueOf(options.reproducible()))
            .raw(BUILDKIT + "#metadata", buildkitMetadata(arguments, layers).toString())
            .boolIfSet(BUILDKIT + "#hermetic", materialsAreComplete() && !capture.network());
    return json.raw("metadata", metadata.toString());
  }

  private GoJson v1(Arguments arguments, List<StepLayers> layers) {
    GoJson asked = GoJson.object().textIfSet("frontend", request.frontend());
    requestInto(asked, arguments);
    GoJson internal = GoJson.object().objectIfSet("buildConfig", buildConfig());
    internal.text("builderPlatform", Platform.host().formatShort());
    GoJson definitionJson =
        GoJson.object()
            .text("buildType", V1_TYPE)
            .raw(
                "externalParameters",
                GoJson.object()
                    .raw("configSource", configSource(arguments, "path").toString())
                    .raw("request", asked.toString())
                    .toString())
            .raw("internalParameters", internal.toString())
            .objectsIfSet("resolvedDependencies", MaterialList.of(capture));
    GoJson metadata =
        GoJson.object()
            .textIfSet("invocationId", run.id())
            .text("startedOn", time(run.started()))
            .text("finishedOn", time(run.finished()))
            .raw("buildkit_metadata", buildkitMetadata(arguments, layers).toString())
            .boolIfSet("buildkit_hermetic", materialsAreComplete() && !capture.network())
            .raw(
                "buildkit_completeness",
                GoJson.object()
                    .raw("request", String.valueOf(arguments.complete()))
                    .raw("resolvedDependencies", String.valueOf(materialsAreComplete()))
                    .toString())
            .boolIfSet("buildkit_reproducible", options.reproducible());
    return GoJson.object()
        .raw("buildDefinition", definitionJson.toString())
        .raw(
            "runDetails",
            GoJson.object()
                .raw("builder", GoJson.object().text("id", options.builderId()).toString())
                .raw("metadata", metadata.toString())
                .toString());
  }

  private GoJson configSource(Arguments arguments, String entryName) {
    GoJson json = GoJson.object().textIfSet("uri", Redaction.of(arguments.context()));
    digestOf(arguments.context()).ifPresent(digest -> json.mapIfSet("digest", digest));
    return json.textIfSet(entryName, arguments.filename());
  }

  /** What the context resolved to, where it is one of the git or http sources. */
  private Optional<Map<String, String>> digestOf(String context) {
    String masked = Redaction.of(context);
    return capture.git().stream()
        .filter(g -> g.url().equals(masked))
        .map(g -> Map.of("sha1", g.commit()))
        .findFirst()
        .or(() ->
            capture.http().stream()
                .filter(h -> h.url().equals(masked) && h.digest().isPresent())
                .map(h -> Map.of("sha256", h.digest().orElseThrow().hex()))
                .findFirst());
  }

  private void requestInto(GoJson json, Arguments arguments) {
    json.mapIfSet("args", arguments.shown());
    if (options.max()) {
      json.objectsIfSet("secrets", ids(capture.secrets())).objectsIfSet("ssh", ids(capture.ssh()));
    }
    json.objectsIfSet(
        "locals",
        capture.locals().stream().map(l -> GoJson.object().text("name", l.name())).toList());
  }

  private static List<GoJson> ids(SortedMap<String, Boolean> all) {
    var json = new ArrayList<GoJson>();
    all.forEach(
        (id, optional) -> json.add(GoJson.object().text("id", id).boolIfSet("optional", optional)));
    return json;
  }

  private Optional<GoJson> buildConfig() {
    if (!options.max()) {
      return Optional.empty();
    }
    GoJson json = GoJson.object();
    steps.ifPresent(s -> s.into(json, usage.steps()));
    return Optional.of(json);
  }

  private GoJson buildkitMetadata(Arguments arguments, List<StepLayers> layers) {
    GoJson json = GoJson.object().mapIfSet("vcs", arguments.vcs());
    if (steps.isPresent() && definition.orElseThrow().getSource().getInfosCount() > 0) {
      json.raw("source", source(definition.orElseThrow(), steps.get(), usage.steps()).toString());
    }
    steps.flatMap(s -> layers(s, layers)).ifPresent(chains -> json.raw("layers", chains));
    if (!usage.system().isEmpty()) {
      json.raw("sysUsage", GoJson.array(usage.system()));
    }
    return json;
  }

  private static GoJson source(
      Definition definition, BuildSteps steps, Map<Digest, String> usages) {
    GoJson json = GoJson.object();
    Map<String, String> locations = new HashMap<>();
    for (Map.Entry<String, Locations> each : definition.getSource().getLocationsMap().entrySet()) {
      steps
          .step(new Digest(each.getKey()))
          .ifPresent(step -> locations.put(step, ProtoGoJson.of(each.getValue()).toString()));
    }
    if (!locations.isEmpty()) {
      json.raw("locations", GoJson.rawMap(locations));
    }
    var infos = new ArrayList<GoJson>();
    for (SourceInfo info : definition.getSource().getInfosList()) {
      GoJson one =
          GoJson.object()
              .textIfSet("filename", info.getFilename())
              .textIfSet("language", info.getLanguage())
              .bytesIfSet("data", info.getData().toByteArray());
      if (info.hasDefinition()) {
        BuildSteps.of(info.getDefinition()).ifPresent(s -> s.into(one, usages));
      }
      infos.add(one);
    }
    return json.objectsIfSet("infos", infos);
  }

  private static Optional<String> layers(BuildSteps steps, List<StepLayers> layers) {
    Map<String, String> bySteps = new HashMap<>();
    for (StepLayers each : layers) {
      String chains =
          GoJson.array(
              each.chains().stream()
                  .map(chain ->
                      GoJson.array(
                          chain.stream().map(d -> Manifests.descriptor(d).toString()).toList()))
                  .toList());
      steps.step(each.vertex()).ifPresent(step -> bySteps.put(step + ":" + each.output(), chains));
    }
    return bySteps.isEmpty() ? Optional.empty() : Optional.of(GoJson.rawMap(bySteps));
  }

  private static String time(Instant at) {
    return DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(at.atOffset(ZoneOffset.UTC));
  }
}
