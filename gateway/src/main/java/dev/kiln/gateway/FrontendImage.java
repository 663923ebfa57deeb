package dev.kiln.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.grpc.types.WorkerRecord;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Digest;
import dev.kiln.model.GoBool;
import dev.kiln.model.GoJson;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a frontend's image says of the process to run. Immutable. Rules: BuildKit v0.22 {@code
 * frontend/gateway/gateway.go}.
 */
record FrontendImage(List<String> args, List<String> env, String cwd, Map<String, String> labels) {
  private static final String CAPS_LABEL = "moby.buildkit.frontend.caps";
  private static final String NETWORK_LABEL = "moby.buildkit.frontend.network.none";
  private static final String INPUTS_CAP = "moby.buildkit.frontend.inputs";

  /** docker/dockerfile 1.1.6 and 1.1.7, plain and experimental: they take inputs, unlabelled. */
  private static final Set<String> KNOWN_TO_TAKE_INPUTS =
      Set.of(
          "sha256:9ac1c43a60e31dca741a6fe8314130a9cd4c4db0311fbbc636ff992ef60ae76d",
          "sha256:080bd74d8778f83e7b670de193362d8c593c8b14f5c8fb919d28ee8feda0d069",
          "sha256:60543a9d92b92af5088fb2938fb09b2072684af8384399e153e137fe081f8ab4",
          "sha256:de85b2f3a3e8a2f7fe48e8e84a65f6fdd5cd5183afa6412fff9caa6871649c44");

  FrontendImage {
    args = List.copyOf(args);
    env = List.copyOf(env);
    labels = Map.copyOf(labels);
  }

  /**
   * @param config OCI image configuration; empty for none
   */
  static FrontendImage of(Optional<byte[]> config) {
    if (config.isEmpty()) {
      return new FrontendImage(List.of("/run"), List.of(), "/", Map.of());
    }
    JsonNode run =
        Json.read(Kind.INVALID, "the frontend's image configuration is not JSON", config.get())
            .path("config");
    List<String> entrypoint = texts(run.path("Entrypoint"));
    String directory = run.path("WorkingDir").asText("");
    var labels = new TreeMap<String, String>();
    run.path("Labels")
        .properties()
        .forEach(label -> labels.put(label.getKey(), label.getValue().asText()));
    return new FrontendImage(
        entrypoint.isEmpty() ? List.of("/run") : entrypoint,
        texts(run.path("Env")),
        directory.isEmpty() ? "/" : directory,
        labels);
  }

  private static List<String> texts(JsonNode array) {
    var all = new ArrayList<String>();
    array.forEach(text -> all.add(text.asText()));
    return all;
  }

  boolean wantsNoNetwork() {
    return GoBool.isTrue(labels.getOrDefault(NETWORK_LABEL, ""));
  }

  /**
   * @throws BuildException {@code UNSUPPORTED} where the image lacks what the client asks of it
   */
  void requireCaps(String asked, boolean hasInputs, Optional<Digest> manifest) {
    Set<String> offered = caps(labels.getOrDefault(CAPS_LABEL, ""));
    if (manifest.map(Digest::value).filter(KNOWN_TO_TAKE_INPUTS::contains).isPresent()) {
      offered.add(INPUTS_CAP);
    }
    Set<String> required = caps(asked);
    if (hasInputs) {
      required.add(INPUTS_CAP);
    }
    for (String cap : required) {
      if (!offered.contains(cap)) {
        throw new BuildException(Kind.UNSUPPORTED, "unsupported frontend capability " + cap)
            .with(new Detail.FrontendCapMissing(cap));
      }
    }
  }

  private static Set<String> caps(String list) {
    var names = new HashSet<String>();
    for (String cap : list.split(",")) {
      int plus = cap.indexOf('+');
      String name = plus < 0 ? cap : cap.substring(0, plus);
      if (!name.isEmpty()) {
        names.add(name);
      }
    }
    return names;
  }

  /** The environment in which it finds its options, the session and the workers. */
  List<String> environment(Map<String, String> opts, String sessionId, List<WorkerRecord> workers) {
    var all = new ArrayList<>(env);
    int i = 0;
    for (Map.Entry<String, String> opt : new TreeMap<>(opts).entrySet()) {
      all.add("BUILDKIT_FRONTEND_OPT_" + i++ + "=" + opt.getKey() + "=" + opt.getValue());
    }
    all.add("BUILDKIT_SESSION_ID=" + sessionId);
    all.add(
        "BUILDKIT_WORKERS=" + GoJson.array(workers.stream().map(FrontendImage::worker).toList()));
    all.add("BUILDKIT_EXPORTEDPRODUCT=buildkit");
    return all;
  }

  private static String worker(WorkerRecord w) {
    List<String> platforms =
        w.getPlatformsList().stream()
            .map(p ->
                GoJson.object()
                    .text("architecture", p.getArchitecture())
                    .text("os", p.getOS())
                    .textIfSet("os.version", p.getOSVersion())
                    .textsIfSet("os.features", p.getOSFeaturesList())
                    .textIfSet("variant", p.getVariant())
                    .toString())
            .toList();
    return GoJson.object()
        .text("id", w.getID())
        .raw("labels", GoJson.map(w.getLabelsMap()))
        .raw("platforms", GoJson.array(platforms))
        .raw("gcPolicy", "null")
        .raw(
            "buildkitVersion",
            GoJson.object()
                .text("package", w.getBuildkitVersion().getPackage())
                .text("version", w.getBuildkitVersion().getVersion())
                .text("revision", w.getBuildkitVersion().getRevision())
                .toString())
        .raw("cdiDevices", "null")
        .toString();
  }

  /** The options whose keys start with {@code prefix}, without it. */
  static Map<String, String> withPrefixCut(Map<String, String> opts, String prefix) {
    var cut = new TreeMap<String, String>();
    opts.forEach((key, value) -> {
      if (key.startsWith(prefix)) {
        cut.put(key.substring(prefix.length()), value);
      }
    });
    return cut;
  }
}
