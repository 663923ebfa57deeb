package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.instruction.Instruction.Declaration;
import dev.kiln.model.SourceRange;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a stage can be given: arguments, secrets, agents. Filled while the stage is converted, by
 * one thread.
 */
public final class Outline {
  private final Map<String, Argument> arguments;
  private final Set<String> used;
  private final Map<String, Need> secrets;
  private final Map<String, Need> agents;

  Outline() {
    this(
        new LinkedHashMap<>(), new LinkedHashSet<>(), new LinkedHashMap<>(), new LinkedHashMap<>());
  }

  private Outline(
      Map<String, Argument> arguments,
      Set<String> used,
      Map<String, Need> secrets,
      Map<String, Need> agents) {
    this.arguments = arguments;
    this.used = used;
    this.secrets = secrets;
    this.agents = agents;
  }

  /**
   * An argument, the value that it has in this build, and the arguments on which its default rests.
   */
  public record Argument(
      Declaration declaration, String value, Set<String> needs, List<SourceRange> place) {
    public Argument {
      needs = Set.copyOf(needs);
      place = List.copyOf(place);
    }
  }

  /** A secret or an agent. */
  public record Need(boolean required, List<SourceRange> place) {
    public Need {
      place = List.copyOf(place);
    }
  }

  Outline copy() {
    return new Outline(
        new LinkedHashMap<>(arguments),
        new LinkedHashSet<>(used),
        new LinkedHashMap<>(secrets),
        new LinkedHashMap<>(agents));
  }

  void declare(Argument argument) {
    arguments.put(argument.declaration().name(), argument);
  }

  void use(String name) {
    used.add(name);
  }

  void useSecret(String id, Need need) {
    secrets.putIfAbsent(id, need);
  }

  void useAgent(String id, Need need) {
    agents.putIfAbsent(id, need);
  }

  Map<String, Argument> arguments() {
    return arguments;
  }

  /** The arguments that are used, directly or by the default of another. */
  Map<String, Argument> usedArguments() {
    var all = new LinkedHashSet<String>();
    used.forEach(name -> collect(name, all, new HashSet<>()));
    var found = new LinkedHashMap<String, Argument>();
    for (String name : all) {
      Argument argument = arguments.get(name);
      if (argument != null) {
        found.put(name, argument);
      }
    }
    return found;
  }

  private void collect(String top, Set<String> into, Set<String> visited) {
    Deque<String> open = new ArrayDeque<>(List.of(top));
    while (!open.isEmpty()) {
      String name = open.pop();
      if (visited.add(name)) {
        into.add(name);
        Argument argument = arguments.get(name);
        if (argument != null) {
          argument.needs().forEach(open::push);
        }
      }
    }
  }

  Map<String, Need> secrets() {
    return secrets;
  }

  Map<String, Need> agents() {
    return agents;
  }
}
