package dev.kiln.exporters.image;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.GoJson;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An image config as the frontend gave it, and the same made to fit the layers. Fields that this
 * class does not know pass through byte for byte. Immutable. Source: OCI image-spec, config.md;
 * BuildKit v0.22 {@code exporter/containerimage/writer.go} for what is patched.
 */
final class ImageConfig {
  private static final String LINUX_PATH =
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  private final Map<String, String> fields;
  private final JsonNode tree;

  private ImageConfig(Map<String, String> fields, JsonNode tree) {
    this.fields = fields;
    this.tree = tree;
  }

  /**
   * @throws BuildException {@code UNKNOWN} where it is no JSON object
   */
  static ImageConfig parse(byte[] json) {
    JsonNode tree = Json.read(Kind.UNKNOWN, "invalid image config for export", json);
    if (tree.isNull() || tree.isMissingNode()) {
      throw invalid("invalid null image config for export");
    }
    if (!tree.isObject()) {
      throw invalid("invalid image config for export: not an object");
    }
    return new ImageConfig(split(GoJson.compact(new String(json, StandardCharsets.UTF_8))), tree);
  }

  /** The config of a result whose frontend gave none: the host's platform, a PATH, the root. */
  static ImageConfig ofHost() {
    Platform p = Platform.host();
    GoJson config = GoJson.object();
    if (!p.os().equals("windows")) {
      config.textsIfSet("Env", List.of(LINUX_PATH));
    }
    return parse(
        GoJson.object()
            .text("architecture", p.architecture())
            .text("os", p.os())
            .textIfSet("variant", p.variant())
            .raw("config", config.text("WorkingDir", "/").toString())
            .toBytes());
  }

  /** The config of an attestation manifest: no platform, only the statements' digests. */
  static byte[] ofStatements(List<Digest> statements) {
    return GoJson.object()
        .text("architecture", "unknown")
        .text("os", "unknown")
        .raw("config", "{}")
        .raw("rootfs", rootfs(statements))
        .toBytes();
  }

  List<History> history() {
    try {
      return History.parse(tree);
    } catch (DateTimeException e) {
      throw invalid("failed to unmarshal history from config: " + e.getMessage());
    }
  }

  /** Digests of the unpacked layers, bottom first. */
  List<String> diffIds() {
    var ids = new ArrayList<String>();
    tree.path("rootfs").path("diff_ids").forEach(id -> ids.add(id.asText()));
    return List.copyOf(ids);
  }

  /**
   * The config with the given layers and history. Under an {@code epoch} no time is later than it,
   * except in the history that {@code base} already had.
   *
   * @param inlineCache JSON of the cache records to carry along
   */
  byte[] patched(
      List<Digest> diffIds,
      List<History> history,
      Optional<byte[]> inlineCache,
      Optional<Instant> epoch,
      Optional<ImageConfig> base) {
    if (tree.path("os").asText("").isEmpty()) {
      throw invalid("invalid image config for export: missing os");
    }
    if (tree.path("architecture").asText("").isEmpty()) {
      throw invalid("invalid image config for export: missing architecture");
    }
    var patched = new LinkedHashMap<>(fields);
    patched.put("rootfs", rootfs(diffIds));
    List<History> steps =
        epoch
            .map(e -> clamp(history, e, base.map(ImageConfig::history).orElse(List.of())))
            .orElse(history);
    patched.put(
        "history",
        steps.isEmpty()
            ? "null"
            : GoJson.array(steps.stream().map(h -> h.toJson().toString()).toList()));
    patched.put("created", created(steps, epoch));
    inlineCache.ifPresent(cache -> patched.put("moby.buildkit.cache.v0", GoJson.base64(cache)));
    return GoJson.rawMap(patched).getBytes(StandardCharsets.UTF_8);
  }

  private String created(List<History> steps, Optional<Instant> epoch) {
    String own = fields.get("created");
    if (own == null) {
      return steps.reversed().stream()
          .flatMap(h -> h.created().stream())
          .findFirst()
          .map(History::time)
          .orElse("null");
    }
    if (epoch.isPresent() && !own.equals("null")) {
      OffsetDateTime time;
      try {
        time = OffsetDateTime.parse(tree.path("created").asText());
      } catch (DateTimeException e) {
        throw invalid("failed to unmarshal creation time " + own);
      }
      if (time.toInstant().isAfter(epoch.get())) {
        return History.time(epoch.get().atOffset(ZoneOffset.UTC));
      }
    }
    return own;
  }

  private static List<History> clamp(List<History> steps, Instant epoch, List<History> base) {
    var clamped = new ArrayList<>(steps);
    int first = 0;
    while (first < steps.size()
        && first < base.size()
        && steps.get(first).equals(base.get(first))) {
      first++;
    }
    for (int i = first; i < clamped.size(); i++) {
      History step = clamped.get(i);
      if (step.created().isEmpty() || step.created().get().toInstant().isAfter(epoch)) {
        clamped.set(i, step.at(Optional.of(epoch.atOffset(ZoneOffset.UTC))));
      }
    }
    return clamped;
  }

  private static String rootfs(List<Digest> diffIds) {
    return GoJson.object()
        .text("type", "layers")
        .raw(
            "diff_ids",
            diffIds.isEmpty() ? "null" : GoJson.texts(diffIds.stream().map(Digest::value).toList()))
        .toString();
  }

  /** The fields of a compact JSON object, their values as they stand. */
  private static Map<String, String> split(String compact) {
    var fields = new LinkedHashMap<String, String>();
    int at = 1;
    while (compact.charAt(at) == '"') {
      int keyEnd = valueEnd(compact, at);
      int end = valueEnd(compact, keyEnd + 1);
      fields.put(unquote(compact.substring(at, keyEnd)), compact.substring(keyEnd + 1, end));
      at = end + 1;
      if (compact.charAt(end) == '}') {
        break;
      }
    }
    return fields;
  }

  private static int valueEnd(String compact, int start) {
    int depth = 0;
    boolean quoted = false;
    for (int i = start; ; i++) {
      char c = compact.charAt(i);
      if (quoted) {
        if (c == '\\') {
          i++;
        } else if (c == '"') {
          quoted = false;
        }
      } else if (c == '"') {
        quoted = true;
      } else if (c == '{' || c == '[') {
        depth++;
      } else if (depth == 0 && (c == ',' || c == ':' || c == '}')) {
        return i;
      } else if (c == '}' || c == ']') {
        depth--;
      }
    }
  }

  private static String unquote(String text) {
    try {
      return Json.parse(text).textValue();
    } catch (Json.Malformed e) {
      throw new AssertionError("the text was parsed before", e);
    }
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.UNKNOWN, message);
  }
}
