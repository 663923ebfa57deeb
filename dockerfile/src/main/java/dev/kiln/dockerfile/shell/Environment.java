package dev.kiln.dockerfile.shell;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Variables by name, in the order in which they were last set. Immutable. */
public final class Environment {
  public static final Environment EMPTY = new Environment(new LinkedHashMap<>());

  private final Map<String, String> values;

  private Environment(Map<String, String> values) {
    this.values = values;
  }

  /** From {@code KEY=value} entries, as an image's configuration holds them. */
  public static Environment ofEntries(Collection<String> entries) {
    var values = new LinkedHashMap<String, String>();
    for (String entry : entries) {
      int equals = entry.indexOf('=');
      String name = equals < 0 ? entry : entry.substring(0, equals);
      values.remove(name);
      values.put(name, equals < 0 ? "" : entry.substring(equals + 1));
    }
    return new Environment(values);
  }

  /** With {@code name} set; it moves to the end of the order. */
  public Environment with(String name, String value) {
    var next = new LinkedHashMap<>(values);
    next.remove(name);
    next.put(name, value);
    return new Environment(next);
  }

  /** With all of {@code others}, in their order. */
  public Environment withAll(Map<String, String> others) {
    var next = new LinkedHashMap<>(values);
    others.forEach((name, value) -> {
      next.remove(name);
      next.put(name, value);
    });
    return new Environment(next);
  }

  public Optional<String> get(String name) {
    return Optional.ofNullable(values.get(name));
  }

  public boolean has(String name) {
    return values.containsKey(name);
  }

  public Collection<String> names() {
    return values.keySet();
  }

  /** {@code KEY=value} entries. */
  public List<String> entries() {
    return values.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList();
  }
}
