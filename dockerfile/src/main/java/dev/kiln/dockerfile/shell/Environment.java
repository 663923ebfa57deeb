package dev.kiln.dockerfile.shell;

import com.google.protobuf.ByteString;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Variables by name, in the order in which they were last set. Immutable. Almost every instruction
 * makes an environment of another, so both share what they have in common: a list, and on it what
 * was set since, until that is as long as the list and both become a new one.
 */
public final class Environment {
  public static final Environment EMPTY = new Environment(List.of(), Optional.empty());

  /** More than commands are given: Linux has a few MiB for them. Counted when lists are made. */
  private static final int MOST = 10_000;

  private static final int LONGEST_SMALL = 32;

  private final List<Variable> base;
  private final Optional<Setting> last;

  private Environment(List<Variable> base, Optional<Setting> last) {
    this.base = base;
    this.last = last;
  }

  /** A variable that was set on top of {@code before}; {@code count} are on the list by now. */
  private record Setting(Variable variable, Optional<Setting> before, int count) {}

  /** A variable, and its {@code KEY=value} in UTF-8, which every command after it needs again. */
  private record Variable(String name, String value, ByteString entry) {
    static Variable of(String name, String value) {
      return new Variable(name, value, ByteString.copyFromUtf8(name + "=" + value));
    }
  }

  /**
   * With {@code name} set; it moves to the end of the order.
   *
   * @throws BuildException {@code INVALID} for too many variables, as from all that set some
   */
  public Environment with(String name, String value) {
    return with(Variable.of(name, value));
  }

  /** With all of {@code others}, in their order. */
  public Environment withAll(Map<String, String> others) {
    Environment next = this;
    for (Map.Entry<String, String> other : others.entrySet()) {
      next = next.with(other.getKey(), other.getValue());
    }
    return next;
  }

  /** With {@code KEY=value} entries, as an image's configuration holds them, in their order. */
  public Environment withEntries(Collection<String> entries) {
    Environment next = this;
    for (String entry : entries) {
      int equals = entry.indexOf('=');
      next =
          equals < 0
              ? next.with(entry, "")
              : next.with(entry.substring(0, equals), entry.substring(equals + 1));
    }
    return next;
  }

  private Environment with(Variable variable) {
    int count = last.map(Setting::count).orElse(0) + 1;
    var next = new Environment(base, Optional.of(new Setting(variable, last, count)));
    if (count <= Math.max(LONGEST_SMALL, base.size())) {
      return next;
    }
    List<Variable> all = next.variables();
    if (all.size() > MOST) {
      throw new BuildException(Kind.INVALID, "more than " + MOST + " variables are set: use fewer");
    }
    return new Environment(all, Optional.empty());
  }

  /** All variables, each once and at its last place. */
  private List<Variable> variables() {
    if (last.isEmpty()) {
      return base;
    }
    var later = new LinkedHashMap<String, Variable>();
    for (Optional<Setting> at = last; at.isPresent(); at = at.get().before()) {
      later.putIfAbsent(at.get().variable().name(), at.get().variable());
    }
    List<Variable> all = new ArrayList<>(base.size() + later.size());
    for (Variable variable : base) {
      if (!later.containsKey(variable.name())) {
        all.add(variable);
      }
    }
    all.addAll(later.sequencedValues().reversed());
    return all;
  }

  public Optional<String> get(String name) {
    for (Optional<Setting> at = last; at.isPresent(); at = at.get().before()) {
      if (at.get().variable().name().equals(name)) {
        return Optional.of(at.get().variable().value());
      }
    }
    for (Variable variable : base) {
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
    return variables().stream().map(Variable::name).toList();
  }

  /** Each {@code KEY=value} in UTF-8, in order. */
  public void forEachEntry(Consumer<ByteString> use) {
    variables().forEach(variable -> use.accept(variable.entry()));
  }
}
