package dev.kiln.registry;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.Platform;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Reads manifests, indexes and image configurations. Pure; {@code INVALID} for what is none.
 * Sources: OCI image-spec v1.1 {@code manifest.md}, {@code image-index.md}, {@code config.md};
 * Docker's image manifest v2, schema 2.
 */
public final class Manifests {
  private Manifests() {}

  /** One image. Immutable. */
  public record Manifest(Descriptor config, List<Descriptor> layers) {
    public Manifest {
      layers = List.copyOf(layers);
    }
  }

  /**
   * The parts of an image's configuration that the store needs. Immutable.
   *
   * @param rootType {@code layers} where {@code diffIds} are layers
   * @param history of the steps that made a layer, bottom first; may be shorter than the layers
   */
  public record Config(String rootType, List<Digest> diffIds, List<History> history) {
    public Config {
      diffIds = List.copyOf(diffIds);
      history = List.copyOf(history);
    }
  }

  public record History(Optional<Instant> created, String createdBy) {}

  /** What a manifest is, by its content and, where it says so, its own word. */
  public static String mediaType(byte[] bytes) {
    JsonNode root = parse(bytes);
    boolean manifest = root.has("config") || root.has("layers");
    if (manifest && root.has("manifests")) {
      throw invalid("invalid ambiguous manifest and manifest list");
    }
    String said = root.path("mediaType").asText("");
    if (MediaTypes.isIndex(said) && manifest || MediaTypes.isManifest(said) && !manifest) {
      throw invalid("mediaType in manifest does not match manifest contents");
    }
    if (MediaTypes.isIndex(said) || MediaTypes.isManifest(said)) {
      return said;
    }
    return manifest ? MediaTypes.DOCKER_MANIFEST : MediaTypes.DOCKER_INDEX;
  }

  public static Manifest manifest(byte[] bytes) {
    JsonNode root = parse(bytes);
    return new Manifest(descriptor(root.path("config")), descriptors(root.path("layers")));
  }

  /** The images of an index in its order. */
  public static List<Descriptor> index(byte[] bytes) {
    return descriptors(parse(bytes).path("manifests"));
  }

  public static Config config(byte[] bytes) {
    JsonNode root = parse(bytes);
    var diffIds = new ArrayList<Digest>();
    for (JsonNode id : root.path("rootfs").path("diff_ids")) {
      diffIds.add(digest(id.asText("")));
    }
    var history = new ArrayList<History>();
    for (JsonNode step : root.path("history")) {
      if (!step.path("empty_layer").asBoolean(false)) {
        history.add(new History(time(step.path("created")), step.path("created_by").asText("")));
      }
    }
    return new Config(root.path("rootfs").path("type").asText(""), diffIds, history);
  }

  private static Optional<Instant> time(JsonNode text) {
    try {
      return Optional.of(OffsetDateTime.parse(text.asText("")).toInstant());
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }

  private static List<Descriptor> descriptors(JsonNode array) {
    var all = new ArrayList<Descriptor>();
    for (JsonNode one : array) {
      all.add(descriptor(one));
    }
    return all;
  }

  private static Descriptor descriptor(JsonNode node) {
    var annotations = new TreeMap<String, String>();
    node.path("annotations")
        .properties()
        .forEach(e -> annotations.put(e.getKey(), e.getValue().asText("")));
    JsonNode p = node.path("platform");
    Optional<Platform> platform = Optional.empty();
    if (p.isObject()) {
      var features = new ArrayList<String>();
      p.path("os.features").forEach(f -> features.add(f.asText("")));
      platform =
          Optional.of(
              new Platform(
                  p.path("os").asText(""),
                  p.path("architecture").asText(""),
                  p.path("variant").asText(""),
                  p.path("os.version").asText(""),
                  features));
    }
    return new Descriptor(
        node.path("mediaType").asText(""),
        digest(node.path("digest").asText("")),
        Math.max(0, node.path("size").asLong(0)),
        annotations,
        platform);
  }

  private static Digest digest(String text) {
    if (!Digest.isValid(text)) {
      throw invalid("invalid digest \"" + text + "\" in image");
    }
    return new Digest(text);
  }

  private static JsonNode parse(byte[] bytes) {
    JsonNode root = Json.read(Kind.INVALID, "failed to parse image", bytes);
    if (!root.isObject()) {
      throw invalid("not a JSON object");
    }
    return root;
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
