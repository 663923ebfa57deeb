package dev.kiln.dockerfile.shell;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Variables by name, in the order in which they were last set. Immutable. A list and no map: almost
 * every instruction makes an environment of another, and few names are looked up in each.
 */
public final class Environment {
  public static final Environment EMPTY = new Environment(List.of());

  private final List<Variable> variables;

  private Environment(List<Variable> variables) {
    this.variables = variables;
  }

  /** A variable, and its {@code KEY=value} in UTF-8, which every command after it needs again. */
  private record Variable(String name, String value, ByteString entry) {
    static Variable of(String name, String value) {
      return new Variable(name, value, ByteString.copyFromUtf8(name + "=" + value));
    }
  }

  /** With {@code name} set; it moves to the end of the order. */
  public Environment with(String name, String value) {
    return with(List.of(Variable.of(name, value)), name::equals);
  }

  /** With all of {@code others}, in their order. */
  public Environment withAll(Map<String, String> others) {
    List<Variable> added = new ArrayList<>(others.size());
    others.forEach((name, value) -> added.add(Variable.of(name, value)));
    return with(added, others::containsKey);
  }

  /** With {@code KEY=value} entries, as an image's configuration holds them, in their order. */
  public Environment withEntries(Collection<String> entries) {
    var added = new LinkedHashMap<String, Variable>();
    for (String entry : entries) {
      int equals = entry.indexOf('=');
      String name = equals < 0 ? entry : entry.substring(0, equals);
      added.putLast(name, Variable.of(name, equals < 0 ? "" : entry.substring(equals + 1)));
    }
    return with(added.values(), added::containsKey);
  }

  private Environment with(Collection<Variable> added, Predicate<String> replaced) {
    if (added.isEmpty()) {
      return this;
    }
    List<Variable> next = new ArrayList<>(variables.size() + added.size());
    for (Variable variable : variables) {
      if (!replaced.test(variable.name())) {
        next.add(variable);
      }
    }
    next.addAll(added);
    return new Environment(next);
  }

  public Optional<String> get(String name) {
    for (Variable variable : variables) {
      if (variable.name().equals(name)) {
        return Optional.of(variable.value());
      }
    }
    return Optional.empty();
  }

  public boolean has(String name) {
    return get(name).isPresent();
  }

  public List<String> names() {
    return variables.stream().map(Variable::name).toList();
  }

  /** Each {@code KEY=value} in UTF-8, in order. */
  public void forEachEntry(Consumer<ByteString> use) {
    variables.forEach(variable -> use.accept(variable.entry()));
  }
}
