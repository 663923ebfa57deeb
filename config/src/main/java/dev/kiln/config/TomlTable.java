package dev.kiln.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * One table of a TOML file, read key by key; what nobody asked for is reported by {@link #unknown}.
 * Values of the wrong type fail with the key's whole path. One thread.
 */
final class TomlTable {
  private final ObjectNode node;
  private final String path;
  private final Set<String> read = new TreeSet<>();
  private final Map<String, TomlTable> children = new LinkedHashMap<>();
  private final List<String> doubts = new ArrayList<>();

  TomlTable(ObjectNode node, String path) {
    this.node = node;
    this.path = path;
  }

  private String full(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  private <T> Optional<T> read(
      String key, String expected, Function<JsonNode, Optional<T>> reader) {
    read.add(key);
    JsonNode value = node.get(key);
    if (value == null) {
      return Optional.empty();
    }
    return Optional.of(
        reader
            .apply(value)
            .orElseThrow(
                () -> new ConfigException(full(key) + " must be " + expected + ", not " + value)));
  }

  Optional<String> text(String key) {
    return read(
        key, "a string", v -> v.isTextual() ? Optional.of(v.textValue()) : Optional.empty());
  }

  Optional<Boolean> flag(String key) {
    return read(
        key,
        "true or false",
        v -> v.isBoolean() ? Optional.of(v.booleanValue()) : Optional.empty());
  }

  Optional<Integer> number(String key) {
    return read(
        key,
        "a whole number",
        v ->
            v.canConvertToInt() && v.isIntegralNumber()
                ? Optional.of(v.intValue())
                : Optional.empty());
  }

  /** A duration as a number of seconds or as Go's text form. */
  Optional<Duration> duration(String key) {
    return read(
        key,
        "a duration",
        v ->
            v.isTextual() || v.isIntegralNumber()
                ? Optional.of(GoDuration.parse(full(key), v.asText()))
                : Optional.empty());
  }

  /**
   * An amount of disk as a number of bytes or as text; zero is as good as not there. A share that
   * no disk has is taken, as buildkitd takes it, and doubted.
   */
  Optional<DiskSpace> disk(String key) {
    Optional<DiskSpace> space =
        read(
            key,
            "a disk space",
            v ->
                v.isTextual() || v.isNumber()
                    ? Optional.of(DiskSpace.parse(full(key), v.asText()))
                    : Optional.empty());
    if (space.isPresent()
        && space.get() instanceof DiskSpace.Percent(int percent)
        && percent > 100) {
      doubts.add(full(key) + " is " + percent + "% of the disk, more than there is");
    }
    return space.filter(s -> !s.isNone());
  }

  /** Empty where the key is absent. */
  List<String> texts(String key) {
    return read(
            key,
            "a list of strings",
            v -> {
              var all = new ArrayList<String>();
              for (JsonNode one : v) {
                if (!one.isTextual()) {
                  return Optional.<List<String>>empty();
                }
                all.add(one.textValue());
              }
              return v.isArray() ? Optional.of(List.copyOf(all)) : Optional.empty();
            })
        .orElse(List.of());
  }

  /** Empty where the key is absent. */
  Map<String, String> textMap(String key) {
    var all = new LinkedHashMap<String, String>();
    TomlTable table = table(key);
    table
        .node
        .fieldNames()
        .forEachRemaining(name -> table.text(name).ifPresent(value -> all.put(name, value)));
    return all;
  }

  /** The table under this key; an empty one where it is absent. */
  TomlTable table(String key) {
    read.add(key);
    return children.computeIfAbsent(
        key,
        k -> {
          JsonNode value = node.get(k);
          if (value != null && !(value instanceof ObjectNode)) {
            throw new ConfigException(full(k) + " must be a table, not " + value);
          }
          return new TomlTable(
              value instanceof ObjectNode object ? object : node.objectNode(), full(k));
        });
  }

  boolean has(String key) {
    return node.has(key);
  }

  /** The tables under this one, by name. */
  Map<String, TomlTable> tables() {
    var all = new LinkedHashMap<String, TomlTable>();
    node.fieldNames().forEachRemaining(name -> all.put(name, table(name)));
    return all;
  }

  /** The array of tables under this key; empty where it is absent. */
  List<TomlTable> list(String key) {
    read.add(key);
    var all = new ArrayList<TomlTable>();
    JsonNode value = node.get(key);
    if (value == null) {
      return all;
    }
    for (JsonNode one : value) {
      if (!(one instanceof ObjectNode object)) {
        throw new ConfigException(full(key) + " must be a list of tables, not " + value);
      }
      String name = key + "[" + all.size() + "]";
      TomlTable table = new TomlTable(object, full(name));
      children.put(name, table);
      all.add(table);
    }
    return all;
  }

  /**
   * Takes a key as read, with all below it where it is a table.
   *
   * @param dotted path of the key, from this table
   * @return full paths of the values that ask for something: not false, zero or empty
   */
  List<String> take(String dotted) {
    int dot = dotted.indexOf('.');
    if (dot >= 0) {
      return table(dotted.substring(0, dot)).take(dotted.substring(dot + 1));
    }
    read.add(dotted);
    JsonNode value = node.get(dotted);
    if (value instanceof ObjectNode) {
      TomlTable table = table(dotted);
      var all = new ArrayList<String>();
      value
          .fieldNames()
          .forEachRemaining(name -> {
            if (!table.read.contains(name)) {
              all.addAll(table.take(name));
            }
          });
      return all;
    }
    return value != null && !isOff(value) ? List.of(full(dotted)) : List.of();
  }

  private static boolean isOff(JsonNode value) {
    return !value.asBoolean(true) // false and 0
        || value.isContainerNode() && value.isEmpty()
        || value.isTextual() && value.textValue().isEmpty();
  }

  /** What was read and can hardly be meant, in this table and those below. */
  List<String> doubts() {
    var all = new ArrayList<>(doubts);
    children.values().forEach(child -> all.addAll(child.doubts()));
    return all;
  }

  /** Full paths of the keys that nobody read, in this table and those below that were opened. */
  List<String> unknown() {
    var all = new ArrayList<String>();
    node.fieldNames()
        .forEachRemaining(name -> {
          if (!read.contains(name)) {
            all.add(full(name));
          }
        });
    children.values().forEach(child -> all.addAll(child.unknown()));
    return all;
  }
}
