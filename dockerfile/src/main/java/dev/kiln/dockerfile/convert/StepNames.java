package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.shell.Environment;
import dev.kiln.dockerfile.shell.ShellLexer;
import dev.kiln.model.BuildException;
import dev.kiln.model.Platform;
import java.util.Locale;
import java.util.Optional;

/** What progress calls the steps of a stage: {@code [linux/arm64 name 2/5] RUN …} (F-110). */
final class StepNames {
  private StepNames() {}

  /** The name of the stage's next step; counts it. Without a platform its prefix is left out. */
  static String next(
      PlannedStage stage, String text, Optional<Platform> platform, Environment environment) {
    if (stage.steps == 0) {
      return text;
    }
    stage.step++;
    return current(stage, text, platform, environment);
  }

  /** The name of the stage's latest step. */
  static String current(
      PlannedStage stage, String text, Optional<Platform> platform, Environment environment) {
    if (stage.steps == 0) {
      return text;
    }
    var out = new StringBuilder("[");
    platform.ifPresent(p -> out.append(p.format()).append(crossTarget(p, environment)).append(' '));
    if (!stage.shownName.isEmpty()) {
      out.append(stage.shownName).append(' ');
    }
    String total = Integer.toString(stage.steps);
    String step = Integer.toString(stage.step);
    out.append(" ".repeat(Math.max(0, total.length() - step.length())))
        .append(step)
        .append('/')
        .append(total)
        .append("] ");
    return out.append(stage.inTrigger ? "ONBUILD " : "").append(text).toString();
  }

  /** {@code ->arm64} where a step on one platform builds for another. */
  private static String crossTarget(Platform base, Environment environment) {
    Optional<Platform> target = target(environment, base);
    if (target.isEmpty()) {
      return "";
    }
    Platform p = target.get();
    if (!p.os().equals(base.os())) {
      return "->" + p.format();
    }
    if (p.architecture().equals(base.architecture())) {
      return "";
    }
    return "->" + p.architecture() + (p.variant().isEmpty() ? "" : "/" + p.variant());
  }

  /** The platform that the {@code TARGET…} variables name, the latest whole one first. */
  private static Optional<Platform> target(Environment environment, Platform base) {
    String os = "";
    String architecture = "";
    String variant = "";
    boolean any = false;
    for (String name : environment.names()) {
      switch (name) {
        case "TARGETPLATFORM" -> {
          try {
            return Optional.of(Platform.parse(environment.get(name).orElse("")));
          } catch (BuildException e) {
            continue; // not a platform: the other variables may tell
          }
        }
        case "TARGETOS" -> os = environment.get(name).orElse("");
        case "TARGETARCH" -> architecture = environment.get(name).orElse("");
        case "TARGETVARIANT" -> variant = environment.get(name).orElse("");
        default -> {
          continue;
        }
      }
      any = true;
    }
    return any
        ? Optional.of(
            new Platform(
                os.isEmpty() ? base.os() : os,
                architecture.isEmpty() ? base.architecture() : architecture,
                variant))
        : Optional.empty();
  }

  /** An instruction's text with its variables shown, its keyword in upper case. */
  static String shown(ShellLexer lexer, String text, Environment environment) {
    String expanded;
    try {
      expanded = lexer.text(text, environment);
    } catch (BuildException e) { // a name is better unexpanded than absent
      expanded = text;
    }
    int space = expanded.indexOf(' ');
    return space < 0
        ? expanded.toUpperCase(Locale.ROOT)
        : expanded.substring(0, space).toUpperCase(Locale.ROOT) + expanded.substring(space);
  }
}
