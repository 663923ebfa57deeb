package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.instruction.Instruction;
import dev.kiln.dockerfile.shell.Environment;
import dev.kiln.dockerfile.shell.Expansion;
import dev.kiln.dockerfile.shell.ShellLexer;
import dev.kiln.dockerfile.syntax.LocatedException;
import dev.kiln.model.BuildException;
import dev.kiln.model.Platform;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The arguments in front of the first {@code FROM}: the predefined ones and the file's own
 * (features F-70 to F-74). Immutable.
 *
 * @param declared the file's own, by name
 */
record GlobalScope(Environment environment, Map<String, Outline.Argument> declared) {
  GlobalScope {
    declared = Map.copyOf(declared);
  }

  /** The predefined arguments; build arguments override them. */
  static Environment predefined(
      Platform build, Platform target, String stage, Map<String, String> buildArguments) {
    var values = new LinkedHashMap<String, String>();
    values.put("BUILDPLATFORM", build.formatShort());
    values.put("BUILDOS", build.os());
    values.put("BUILDOSVERSION", build.osVersion());
    values.put("BUILDARCH", build.architecture());
    values.put("BUILDVARIANT", build.variant());
    values.put("TARGETPLATFORM", target.format());
    values.put("TARGETOS", target.os());
    values.put("TARGETOSVERSION", target.osVersion());
    values.put("TARGETARCH", target.architecture());
    values.put("TARGETVARIANT", target.variant());
    values.put("TARGETSTAGE", stage.isEmpty() ? "default" : stage);
    values.replaceAll((name, value) -> buildArguments.getOrDefault(name, value));
    return Environment.EMPTY.withAll(values);
  }

  /**
   * @throws LocatedException if a default cannot be expanded
   */
  static GlobalScope of(
      Environment predefined,
      List<Instruction.Arg> instructions,
      ShellLexer lexer,
      Map<String, String> buildArguments) {
    Environment environment = predefined;
    var declared = new LinkedHashMap<String, Outline.Argument>();
    for (Instruction.Arg instruction : instructions) {
      for (Instruction.Declaration declaration : instruction.declarations()) {
        String name = declaration.name();
        Set<String> needs = new LinkedHashSet<>();
        Optional<String> value = Optional.ofNullable(buildArguments.get(name));
        if (value.isEmpty() && declaration.value().isPresent()) {
          Expansion expansion = expand(declaration.value().get(), environment, lexer, instruction);
          value = Optional.of(expansion.text());
          needs.addAll(expansion.matched());
          Outline.Argument earlier = declared.get(name);
          if (needs.remove(name) && earlier != null) {
            needs.addAll(earlier.needs());
          }
        }
        if (value.isPresent()) {
          environment = environment.with(name, value.get());
        }
        declared.put(
            name,
            new Outline.Argument(
                declaration, value.orElse(""), needs, instruction.origin().place()));
      }
    }
    return new GlobalScope(environment, declared);
  }

  private static Expansion expand(
      String text, Environment environment, ShellLexer lexer, Instruction.Arg instruction) {
    try {
      return lexer.expand(text, environment);
    } catch (BuildException e) {
      throw LocatedException.at(instruction.origin().place(), e);
    }
  }
}
