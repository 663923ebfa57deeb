package dev.kiln.dockerfile.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoJson;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoField;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Image configurations to and from JSON, byte for byte as Go writes {@code DockerOCIImage}: the
 * order of its fields, what it leaves out, and names read without regard to letter case. Unknown
 * fields are dropped. Source: docker-image-spec v1.3.1, {@code specs-go/v1/image.go}.
 */
public final class ImageJson {

  /** Go's {@code RFC3339Nano}: no zeros at the end of the fraction. */
  private static final DateTimeFormatter RFC3339_NANO =
      new DateTimeFormatterBuilder()
          .appendPattern("uuuu-MM-dd'T'HH:mm:ss")
          .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
          .appendOffset("+HH:MM", "Z")
          .toFormatter(Locale.ROOT);

  private ImageJson() {}

  /**
   * @throws BuildException {@code INVALID} for what is no image configuration
   */
  public static ImageConfig parse(byte[] json) {
    JsonNode root = Json.read(Kind.INVALID, "failed to parse image config", json);
    if (!root.isObject()) {
      throw new BuildException(Kind.INVALID, "failed to parse image config: not a JSON object");
    }
    var image = new ImageConfig();
    text(root, "created", v -> image.created = time(v));
    text(root, "author", v -> image.author = v);
    text(root, "architecture", v -> image.architecture = v);
    text(root, "os", v -> image.os = v);
    text(root, "os.version", v -> image.osVersion = v);
    image.osFeatures = texts(field(root, "os.features"));
    text(root, "variant", v -> image.variant = v);
    JsonNode rootfs = field(root, "rootfs");
    text(rootfs, "type", v -> image.rootfsType = v);
    JsonNode diffIds = field(rootfs, "diff_ids");
    image.diffIds = diffIds.isArray() ? Optional.of(texts(diffIds)) : Optional.empty();
    for (JsonNode line : field(root, "history")) {
      image.history.add(
          new History(
              time(field(line, "created").asText("")),
              field(line, "created_by").asText(""),
              field(line, "author").asText(""),
              field(line, "comment").asText(""),
              field(line, "empty_layer").asBoolean(false)));
    }
    parseConfig(field(root, "config"), image);
    return image;
  }

  private static void parseConfig(JsonNode config, ImageConfig image) {
    text(config, "User", v -> image.user = v);
    image.exposedPorts = new TreeSet<>(names(field(config, "ExposedPorts")));
    image.environment = new ArrayList<>(texts(field(config, "Env")));
    image.entrypoint = texts(field(config, "Entrypoint"));
    image.command = texts(field(config, "Cmd"));
    image.volumes = new TreeSet<>(names(field(config, "Volumes")));
    text(config, "WorkingDir", v -> image.workingDirectory = v);
    var labels = new TreeMap<String, String>();
    field(config, "Labels")
        .properties()
        .forEach(e -> labels.put(e.getKey(), e.getValue().asText()));
    image.labels = labels;
    text(config, "StopSignal", v -> image.stopSignal = v);
    image.argsEscaped = field(config, "ArgsEscaped").asBoolean(false);
    JsonNode health = field(config, "Healthcheck");
    if (health.isObject()) {
      image.healthcheck =
          Optional.of(
              new Healthcheck(
                  texts(field(health, "Test")),
                  Duration.ofNanos(field(health, "Interval").asLong(0)),
                  Duration.ofNanos(field(health, "Timeout").asLong(0)),
                  Duration.ofNanos(field(health, "StartPeriod").asLong(0)),
                  Duration.ofNanos(field(health, "StartInterval").asLong(0)),
                  field(health, "Retries").asInt(0)));
    }
    image.onBuild = texts(field(config, "OnBuild"));
    image.shell = texts(field(config, "Shell"));
  }

  /** The exact name first, else one that differs only in letter case; missing if absent or null. */
  private static JsonNode field(JsonNode object, String name) {
    JsonNode exact = object.path(name);
    if (!exact.isMissingNode()) {
      return exact.isNull() ? MissingNode.getInstance() : exact;
    }
    return object.properties().stream()
        .filter(e -> e.getKey().equalsIgnoreCase(name) && !e.getValue().isNull())
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse(MissingNode.getInstance());
  }

  private static void text(JsonNode object, String name, Consumer<String> into) {
    JsonNode value = field(object, name);
    if (value.isTextual()) {
      into.accept(value.textValue());
    }
  }

  private static List<String> texts(JsonNode array) {
    var texts = new ArrayList<String>();
    array.forEach(item -> texts.add(item.asText()));
    return List.copyOf(texts);
  }

  private static List<String> names(JsonNode object) {
    return object.properties().stream().map(Map.Entry::getKey).toList();
  }

  /** A time in the spelling of Go's {@code RFC3339Nano}; what is no time is left out. */
  private static String time(String text) {
    if (text.isEmpty()) {
      return "";
    }
    try {
      return time(OffsetDateTime.parse(text));
    } catch (DateTimeParseException e) {
      return "";
    }
  }

  /** A time in the spelling of Go's {@code RFC3339Nano}. */
  public static String time(OffsetDateTime time) {
    return RFC3339_NANO.format(time);
  }

  public static byte[] write(ImageConfig image) {
    String diffIds = image.diffIds.map(GoJson::texts).orElse("null");
    return GoJson.object()
        .textIfSet("created", image.created)
        .textIfSet("author", image.author)
        .text("architecture", image.architecture)
        .text("os", image.os)
        .textIfSet("os.version", image.osVersion)
        .textsIfSet("os.features", image.osFeatures)
        .textIfSet("variant", image.variant)
        .raw(
            "rootfs",
            GoJson.object().text("type", image.rootfsType).raw("diff_ids", diffIds).toString())
        .objectsIfSet("history", image.history.stream().map(ImageJson::history).toList())
        .raw("config", config(image).toString())
        .toBytes();
  }

  private static GoJson history(History line) {
    return GoJson.object()
        .textIfSet("created", line.created())
        .textIfSet("created_by", line.createdBy())
        .textIfSet("author", line.author())
        .textIfSet("comment", line.comment())
        .boolIfSet("empty_layer", line.emptyLayer());
  }

  private static GoJson config(ImageConfig image) {
    var config = GoJson.object().textIfSet("User", image.user);
    setIfSet(config, "ExposedPorts", image.exposedPorts);
    config
        .textsIfSet("Env", image.environment)
        .textsIfSet("Entrypoint", image.entrypoint)
        .textsIfSet("Cmd", image.command);
    setIfSet(config, "Volumes", image.volumes);
    return config
        .textIfSet("WorkingDir", image.workingDirectory)
        .mapIfSet("Labels", image.labels)
        .textIfSet("StopSignal", image.stopSignal)
        .boolIfSet("ArgsEscaped", image.argsEscaped)
        .objectIfSet("Healthcheck", image.healthcheck.map(ImageJson::healthcheck))
        .textsIfSet("OnBuild", image.onBuild)
        .textsIfSet("Shell", image.shell);
  }

  private static void setIfSet(GoJson config, String name, java.util.Set<String> values) {
    if (!values.isEmpty()) {
      config.raw(name, GoJson.rawMap(values.stream().collect(Collectors.toMap(v -> v, v -> "{}"))));
    }
  }

  private static GoJson healthcheck(Healthcheck check) {
    return GoJson.object()
        .textsIfSet("Test", check.test())
        .numberIfSet("Interval", check.interval().toNanos())
        .numberIfSet("Timeout", check.timeout().toNanos())
        .numberIfSet("StartPeriod", check.startPeriod().toNanos())
        .numberIfSet("StartInterval", check.startInterval().toNanos())
        .numberIfSet("Retries", check.retries());
  }
}
