package dev.kiln.dockerfile.convert;

import com.google.re2j.Pattern;
import dev.kiln.dockerfile.instruction.Instruction;
import dev.kiln.dockerfile.instruction.Stage;
import dev.kiln.dockerfile.instruction.StageList;
import dev.kiln.dockerfile.lint.Linter;
import dev.kiln.dockerfile.lint.Rule;
import dev.kiln.dockerfile.shell.Environment;
import dev.kiln.dockerfile.shell.Expansion;
import dev.kiln.dockerfile.shell.ShellLexer;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.dockerfile.text.Suggestion;
import dev.kiln.model.BuildException;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Platform;
import dev.kiln.model.SourceRange;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The checks that look at stages as a whole and at {@code FROM} lines. Stateless. */
record FileChecks(Linter linter) {
  private static final Set<String> RESERVED = Set.of("context", "scratch");
  private static final Pattern SECRET =
      Pattern.compile(
          "(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)"
              + "(?:_|$)",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern PUBLIC =
      Pattern.compile("(?:_|^)public(?:_|$)", Pattern.CASE_INSENSITIVE);

  void stageNames(List<Stage> stages) {
    var seen = new HashSet<String>();
    for (Stage stage : stages) {
      String name = stage.from().name();
      List<SourceRange> place = stage.from().origin().place();
      if (name.isEmpty()) {
        continue;
      }
      if (RESERVED.contains(name)) {
        linter.report(
            Rule.RESERVED_STAGE_NAME,
            "Stage name should not use the same name as reserved stage " + GoText.quote(name),
            place);
      }
      if (!seen.add(name)) {
        linter.report(
            Rule.DUPLICATE_STAGE_NAME,
            "Duplicate stage name " + GoText.quote(name) + ", stage names should be unique",
            place);
      }
    }
  }

  /** Every keyword should be written as most of them are. */
  void casing(List<Stage> stages) {
    int lower = 0;
    int upper = 0;
    for (Instruction instruction : instructions(stages)) {
      String keyword = instruction.origin().keyword();
      if (isLower(keyword)) {
        lower++;
      } else if (isUpper(keyword)) {
        upper++;
      }
    }
    boolean wantLower = lower > upper;
    for (Instruction instruction : instructions(stages)) {
      String keyword = instruction.origin().keyword();
      if (!(wantLower ? isLower(keyword) : isUpper(keyword))) {
        linter.report(
            Rule.CONSISTENT_INSTRUCTION_CASING,
            "Command '"
                + keyword
                + "' should match the case of the command majority ("
                + (wantLower ? "lowercase" : "uppercase")
                + ")",
            instruction.origin().place());
      }
    }
  }

  private static List<Instruction> instructions(List<Stage> stages) {
    return stages.stream()
        .flatMap(stage ->
            java.util.stream.Stream.concat(
                java.util.stream.Stream.<Instruction>of(stage.from()),
                stage.instructions().stream()))
        .toList();
  }

  private static boolean isLower(String text) {
    return text.equals(text.toLowerCase(Locale.ROOT));
  }

  private static boolean isUpper(String text) {
    return text.equals(text.toUpperCase(Locale.ROOT));
  }

  /** Base images must stay valid when no build argument is given. */
  void defaultBases(StageList file, ShellLexer lexer, Environment predefined) {
    try {
      Environment defaults =
          GlobalScope.of(predefined, file.globalArguments(), lexer, java.util.Map.of())
              .environment();
      for (Stage stage : file.stages()) {
        String base = lexer.text(stage.from().base(), defaults);
        if (!isReference(base)) {
          linter.report(
              Rule.INVALID_DEFAULT_ARG_IN_FROM,
              "Default value for ARG "
                  + stage.from().base()
                  + " results in empty or invalid base image name",
              stage.from().origin().place());
        }
      }
    } catch (RuntimeException e) {
      // The conversion itself meets the same mistake and reports it.
      return;
    }
  }

  private static boolean isReference(String text) {
    try {
      ImageRef.parse(text);
      return true;
    } catch (BuildException e) {
      return false;
    }
  }

  /** Variables in {@code FROM} must be arguments of the file or predefined. */
  void undeclared(GlobalScope globals, Set<String> unmatched, List<SourceRange> place) {
    if (unmatched.isEmpty()) {
      return;
    }
    var known = new LinkedHashSet<>(globals.declared().keySet());
    known.addAll(globals.environment().names());
    for (String name : unmatched) {
      if (!known.contains(name)) {
        linter.report(
            Rule.UNDEFINED_ARG_IN_FROM,
            "FROM argument '"
                + name
                + "' is not declared"
                + Suggestion.nearest(name, known, true)
                    .map(near -> " (did you mean " + near + "?)")
                    .orElse(""),
            place);
      }
    }
  }

  void platformFlag(Instruction.From from, Expansion platform, Environment globals) {
    List<SourceRange> place = from.origin().place();
    if (platform.matched().equals(Set.of("TARGETPLATFORM"))
        && platform.unmatched().isEmpty()
        && platform.text().equals(globals.get("TARGETPLATFORM").orElse(""))) {
      linter.report(
          Rule.REDUNDANT_TARGET_PLATFORM,
          "Setting platform to predefined "
              + from.platform()
              + " in FROM is redundant as this is the default behavior",
          place);
    }
    if (platform.matched().isEmpty() && platform.unmatched().isEmpty()) {
      constantPlatform(from.name(), platform.text(), place);
    }
  }

  private void constantPlatform(String stage, String text, List<SourceRange> place) {
    Platform platform;
    try {
      platform = Platform.parse(text);
    } catch (BuildException e) { // the conversion reports it
      return;
    }
    if (!stage.contains(platform.os()) && !stage.contains(platform.architecture())) {
      linter.report(
          Rule.FROM_PLATFORM_FLAG_CONST_DISALLOWED,
          "FROM --platform flag should not use constant value " + GoText.quote(text),
          place);
    }
  }

  void basePlatform(String image, Platform expected, Platform actual, List<SourceRange> place) {
    if (!expected.os().equals(actual.os())
        || !expected.architecture().equals(actual.architecture())) {
      linter.report(
          Rule.INVALID_BASE_IMAGE_PLATFORM,
          "Base image "
              + image
              + " was pulled with platform "
              + GoText.quote(actual.format())
              + ", expected "
              + GoText.quote(expected.format())
              + " for current build",
          place);
    }
  }

  void secretName(String keyword, String name, List<SourceRange> place) {
    if (SECRET.matcher(name).find() && !PUBLIC.matcher(name).find()) {
      linter.report(
          Rule.SECRETS_USED_IN_ARG_OR_ENV,
          "Do not use ARG or ENV instructions for sensitive data ("
              + keyword
              + " "
              + GoText.quote(name)
              + ")",
          place);
    }
  }

  /** Only the last of such instructions counts; the place is that of the one that does not. */
  void onceOnly(PlannedStage stage, String kind, Instruction instruction) {
    List<SourceRange> earlier = stage.onceOnly.put(kind, instruction.origin().place());
    if (earlier != null) {
      linter.report(
          Rule.MULTIPLE_INSTRUCTIONS_DISALLOWED,
          "Multiple "
              + instruction.origin().keyword()
              + " instructions should not be used in the same stage because only the last one will"
              + " be used",
          earlier);
    }
  }

  void undefined(
      Set<String> unmatched,
      List<Instruction.Declaration> declared,
      Environment known,
      List<SourceRange> place) {
    for (String name : unmatched) {
      boolean argument = declared.stream().anyMatch(d -> d.name().equals(name));
      if (!argument && !StageBuilder.NOT_VARIABLES.contains(name)) {
        linter.report(
            Rule.UNDEFINED_VAR,
            "Usage of undefined variable '$"
                + name
                + "'"
                + Suggestion.nearest(name, known.names(), true)
                    .map(near -> " (did you mean $" + near + "?)")
                    .orElse(""),
            place);
      }
    }
  }
}
