package dev.kiln.remotecache.graph;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.GoJson;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The stored form of a remote cache: layers, and keys with what they are made from. Both point at
 * each other by position. Immutable. Source of the form: BuildKit v0.22.0, {@code
 * cache/remotecache/v1/spec.go}.
 */
public record CacheConfig(List<Layer> layers, List<Record> records) {
  public static final String MEDIA_TYPE = "application/vnd.buildkit.cacheconfig.v0";

  /** The parent of a layer that lies on nothing. */
  public static final int NO_PARENT = -1;

  private static final Instant NO_TIME = Instant.parse("0001-01-01T00:00:00Z");

  public CacheConfig {
    layers = List.copyOf(layers);
    records = List.copyOf(records);
  }

  /**
   * @param parent position of the layer below, or {@link #NO_PARENT}
   * @param about what back-ends without manifests keep of the blob; beside a manifest, where this
   *     layer has another time than the manifest can tell
   */
  public record Layer(Digest blob, int parent, Optional<About> about) {}

  /** The blob's descriptor in another form. */
  public record About(String mediaType, Digest diffId, long sizeBytes, Instant createdAt) {
    public static About of(dev.kiln.store.Layer layer) {
      return new About(
          layer.blob().mediaType(), layer.diffId(), layer.blob().sizeBytes(), layer.createdAt());
    }
  }

  /** A key: by input, then by alternative, what it is made from. */
  public record Record(Digest digest, List<Result> results, List<List<Input>> inputs) {
    public Record {
      results = List.copyOf(results);
      inputs = inputs.stream().map(List::copyOf).toList();
    }
  }

  /** A result: the layers at these positions, bottom first. */
  public sealed interface Result {
    Instant createdAt();
  }

  /** The layer at a position and all below it. */
  public record Top(int layer, Instant createdAt) implements Result {}

  /** Layers that do not lie on each other in {@link CacheConfig#layers}. */
  public record Pieces(List<Integer> layers, Instant createdAt) implements Result {
    public Pieces {
      layers = List.copyOf(layers);
    }
  }

  public record Input(Optional<Digest> selector, int record) {}

  /** The whole document. */
  public byte[] toJson() {
    return GoJson.object()
        .objectsIfSet("layers", layers.stream().map(CacheConfig::json).toList())
        .objectsIfSet("records", records.stream().map(CacheConfig::json).toList())
        .toBytes();
  }

  /** The records alone, as an image's configuration carries them. */
  public byte[] recordsJson() {
    return GoJson.array(records.stream().map(r -> json(r).toString()).toList())
        .getBytes(StandardCharsets.UTF_8);
  }

  private static GoJson json(Layer layer) {
    GoJson json =
        GoJson.object().text("blob", layer.blob().value()).numberIfSet("parent", layer.parent());
    layer
        .about()
        .ifPresent(about ->
            json.raw(
                "annotations",
                GoJson.object()
                    .textIfSet("mediaType", about.mediaType())
                    .text("diffID", about.diffId().value())
                    .numberIfSet("size", about.sizeBytes())
                    .text("createdAt", about.createdAt().toString())
                    .toString()));
    return json;
  }

  private static GoJson json(Record record) {
    var tops = new ArrayList<GoJson>();
    var pieces = new ArrayList<GoJson>();
    for (Result result : record.results()) {
      switch (result) {
        case Top(var layer, var at) ->
            tops.add(GoJson.object().number("layer", layer).text("createdAt", at.toString()));
        case Pieces(var layers, var at) ->
            pieces.add(
                GoJson.object()
                    .raw("layers", GoJson.array(layers.stream().map(Object::toString).toList()))
                    .text("createdAt", at.toString()));
      }
    }
    List<String> inputs =
        record.inputs().stream()
            .map(all -> GoJson.array(all.stream().map(i -> json(i).toString()).toList()))
            .toList();
    GoJson json =
        GoJson.object()
            .objectsIfSet("layers", tops)
            .objectsIfSet("chains", pieces)
            .text("digest", record.digest().value());
    return inputs.isEmpty() ? json : json.raw("inputs", GoJson.array(inputs));
  }

  private static GoJson json(Input input) {
    return GoJson.object()
        .textIfSet("selector", input.selector().map(Digest::value).orElse(""))
        .number("link", input.record());
  }

  /**
   * Reads the whole document.
   *
   * @throws BuildException {@code INVALID} for what is none
   */
  public static CacheConfig parse(byte[] json) {
    return read(
        json,
        root -> {
          var layers = new ArrayList<Layer>();
          for (JsonNode one : root.path("layers")) {
            layers.add(
                new Layer(digest(one.path("blob")), one.path("parent").asInt(0), about(one)));
          }
          return new CacheConfig(layers, records(root.path("records"))).checked();
        });
  }

  /**
   * Reads records as an image's configuration carries them; its layers lie on each other.
   *
   * @throws BuildException {@code INVALID} for what is none
   */
  public static CacheConfig ofImage(byte[] json, List<Digest> layers) {
    return read(
        json,
        root -> {
          var all = new ArrayList<Layer>();
          for (Digest layer : layers) {
            all.add(new Layer(layer, all.size() - 1, Optional.empty()));
          }
          return new CacheConfig(all, records(root)).checked();
        });
  }

  private interface Reading {
    CacheConfig of(JsonNode root);
  }

  private static CacheConfig read(byte[] json, Reading reading) {
    try {
      return reading.of(Json.parse(json));
    } catch (Json.Malformed | DateTimeException | IllegalArgumentException e) {
      throw new BuildException(Kind.INVALID, "failed to parse cache config: " + e.getMessage(), e);
    }
  }

  private static List<Record> records(JsonNode array) {
    var all = new ArrayList<Record>();
    for (JsonNode one : array) {
      var results = new ArrayList<Result>();
      for (JsonNode top : one.path("layers")) {
        results.add(new Top(top.path("layer").asInt(0), time(top)));
      }
      for (JsonNode chain : one.path("chains")) {
        var layers = new ArrayList<Integer>();
        chain.path("layers").forEach(layer -> layers.add(layer.asInt(0)));
        results.add(new Pieces(layers, time(chain)));
      }
      var inputs = new ArrayList<List<Input>>();
      for (JsonNode alternatives : one.path("inputs")) {
        var links = new ArrayList<Input>();
        for (JsonNode link : alternatives) {
          String selector = link.path("selector").asText("");
          links.add(
              new Input(
                  selector.isEmpty() ? Optional.empty() : Optional.of(new Digest(selector)),
                  link.path("link").asInt(0)));
        }
        inputs.add(links);
      }
      all.add(new Record(digest(one.path("digest")), results, inputs));
    }
    return all;
  }

  private static Optional<About> about(JsonNode layer) {
    JsonNode about = layer.path("annotations");
    return about.isObject()
        ? Optional.of(
            new About(
                about.path("mediaType").asText(""),
                digest(about.path("diffID")),
                about.path("size").asLong(0),
                time(about)))
        : Optional.empty();
  }

  private static Instant time(JsonNode of) {
    String text = of.path("createdAt").asText("");
    return text.isEmpty() ? NO_TIME : OffsetDateTime.parse(text).toInstant();
  }

  private static Digest digest(JsonNode text) {
    return new Digest(text.asText(""));
  }

  /** Positions are in range, and no layer lies on itself. */
  private CacheConfig checked() {
    for (Record record : records) {
      for (List<Input> alternatives : record.inputs()) {
        for (Input input : alternatives) {
          check(
              input.record() >= 0 && input.record() < records.size(),
              "invalid record ID: ",
              input.record());
        }
      }
      for (Result result : record.results()) {
        switch (result) {
          case Top(var layer, var _) -> checkLayer(layer);
          case Pieces(var all, var _) -> all.forEach(this::checkLayer);
        }
      }
    }
    // each layer is seen once as part of a chain that is known to end
    var ends = new boolean[layers.size()];
    for (int i = 0; i < layers.size(); i++) {
      var path = new ArrayList<Integer>();
      int at = i;
      while (at != NO_PARENT && !ends[at]) {
        check(path.size() < layers.size(), "invalid looping layer ", at);
        path.add(at);
        at = layers.get(at).parent();
        if (at != NO_PARENT) {
          checkLayer(at);
        }
      }
      path.forEach(known -> ends[known] = true);
    }
    return this;
  }

  private void checkLayer(int index) {
    check(index >= 0 && index < layers.size(), "invalid layer index ", index);
  }

  private static void check(boolean holds, String failure, int index) {
    if (!holds) {
      throw new BuildException(Kind.INVALID, failure + index);
    }
  }

  /** The blobs of a result, bottom first. */
  public List<Digest> blobs(Result result) {
    return positions(result).stream().map(at -> layers.get(at).blob()).toList();
  }

  /** Where the layers of a result stand in {@link #layers}, bottom first. */
  public List<Integer> positions(Result result) {
    return switch (result) {
      case Top(var top, var _) -> {
        var all = new ArrayList<Integer>();
        for (int at = top; at != NO_PARENT; at = layers.get(at).parent()) {
          all.add(at);
        }
        yield all.reversed();
      }
      case Pieces(var all, var _) -> all;
    };
  }
}
