package dev.kiln.exporters;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which platform each ref of a result is for, in the frontend's order. Immutable. Source of the
 * rules: BuildKit v0.22 {@code exporter/containerimage/exptypes/parse.go}.
 */
public record ResultPlatforms(List<Entry> entries) {
  /** Metadata key under which a frontend lists the platforms of its refs. */
  public static final String KEY = "refs.platforms";

  public static final String IMAGE_CONFIG = "containerimage.config";
  public static final String BASE_IMAGE_CONFIG = "containerimage.base.config";

  public ResultPlatforms {
    entries = List.copyOf(entries);
  }

  /** The ref known as {@code id} is for {@code platform}. */
  public record Entry(String id, Platform platform) {}

  /**
   * Reads the list; without one there is a single platform: that of the image config, else the
   * host's.
   *
   * @throws BuildException {@code UNKNOWN} for a malformed list or config
   */
  public static ResultPlatforms of(Map<String, byte[]> metadata) {
    byte[] list = metadata.get(KEY);
    if (list != null) {
      return listed(list);
    }
    byte[] config = metadata.get(IMAGE_CONFIG);
    Platform platform = config == null ? Platform.host() : ofConfig(config);
    return new ResultPlatforms(List.of(new Entry(platform.format(), platform)));
  }

  private static ResultPlatforms listed(byte[] list) {
    var entries = new ArrayList<Entry>();
    for (JsonNode each : read(list).path("Platforms")) {
      String id = each.path("ID").asText("");
      if (id.isEmpty()) {
        throw invalid("invalid empty platform key for exporter");
      }
      JsonNode p = each.path("Platform");
      if (p.path("os").asText("").isEmpty() || p.path("architecture").asText("").isEmpty()) {
        throw invalid("invalid platform value " + p + " for exporter");
      }
      entries.add(new Entry(id, platform(p)));
    }
    if (entries.isEmpty()) {
      throw invalid("invalid empty platforms index for exporter");
    }
    return new ResultPlatforms(entries);
  }

  private static Platform ofConfig(byte[] config) {
    JsonNode image = read(config);
    boolean os = !image.path("os").asText("").isEmpty();
    boolean architecture = !image.path("architecture").asText("").isEmpty();
    if (os != architecture) {
      throw invalid("invalid image config: os and architecture must be specified together");
    }
    return platform(image);
  }

  /** A platform in the spelling of OCI descriptors and configs. */
  public static Platform platform(JsonNode node) {
    var features = new ArrayList<String>();
    node.path("os.features").forEach(f -> features.add(f.asText()));
    return new Platform(
        node.path("os").asText(""),
        node.path("architecture").asText(""),
        node.path("variant").asText(""),
        node.path("os.version").asText(""),
        features);
  }

  /** The value of {@code key} for one ref: {@code key/id} where it is set, else {@code key}. */
  public static Optional<byte[]> value(
      Map<String, byte[]> metadata, String key, Optional<Entry> of) {
    return of.map(e -> metadata.get(key + "/" + e.id()))
        .or(() -> Optional.ofNullable(metadata.get(key)));
  }

  private static JsonNode read(byte[] json) {
    return Json.read(Kind.UNKNOWN, "failed to parse platforms passed to exporter", json);
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.UNKNOWN, message);
  }
}
