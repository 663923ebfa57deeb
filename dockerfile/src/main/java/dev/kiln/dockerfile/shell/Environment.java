package dev.kiln.dockerfile.shell;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Variables by name, in the order in which they were last set. Immutable. */
public final class Environment {
  public static final Environment EMPTY = new Environment(new LinkedHashMap<>());

  private final Map<String, Variable> variables;

  private Environment(Map<String, Variable> variables) {
    this.variables = variables;
  }

  /** A value, and its {@code KEY=value}, which every command after it needs again. */
  private record Variable(String value, String entry) {
    static Variable of(String name, String value) {
      return new Variable(value, name + "=" + value);
    }
  }

  /** From {@code KEY=value} entries, as an image's configuration holds them. */
  public static Environment ofEntries(Collection<String> entries) {
    var values = new LinkedHashMap<String, Variable>();
    for (String entry : entries) {
      int equals = entry.indexOf('=');
      String name = equals < 0 ? entry : entry.substring(0, equals);
      values.remove(name);
      values.put(name, Variable.of(name, equals < 0 ? "" : entry.substring(equals + 1)));
    }
    return new Environment(values);
  }

  /** With {@code name} set; it moves to the end of the order. */
  public Environment with(String name, String value) {
    return withAll(Map.of(name, value));
  }

  /** With all of {@code others}, in their order. */
  public Environment withAll(Map<String, String> others) {
    if (others.isEmpty()) {
      return this;
    }
    var next = new LinkedHashMap<>(variables);
    others.forEach((name, value) -> {
      next.remove(name);
      next.put(name, Variable.of(name, value));
    });
    return new Environment(next);
  }

  public Optional<String> get(String name) {
    return Optional.ofNullable(variables.get(name)).map(Variable::value);
  }

  public boolean has(String name) {
    return variables.containsKey(name);
  }

  public Collection<String> names() {
    return variables.keySet();
  }

  /** {@code KEY=value} entries. */
  public List<String> entries() {
    return variables.values().stream().map(Variable::entry).toList();
  }
}
