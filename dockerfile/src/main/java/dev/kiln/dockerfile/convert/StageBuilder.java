package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.graph.FileStep;
import dev.kiln.dockerfile.graph.NodeOptions;
import dev.kiln.dockerfile.image.Healthcheck;
import dev.kiln.dockerfile.image.History;
import dev.kiln.dockerfile.image.ImageJson;
import dev.kiln.dockerfile.instruction.Instruction;
import dev.kiln.dockerfile.lint.Rule;
import dev.kiln.dockerfile.shell.Environment;
import dev.kiln.dockerfile.shell.Expansion;
import dev.kiln.dockerfile.shell.ShellLexer;
import dev.kiln.dockerfile.syntax.Arguments;
import dev.kiln.dockerfile.syntax.LocatedException;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoBool;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;

/**
 * Carries out one stage's instructions: each changes the stage's state, its image configuration or
 * both, and adds its line to the history. One thread. Rules: features F-76 to F-108, and BuildKit
 * v0.22 {@code frontend/dockerfile/dockerfile2llb/convert.go}.
 */
final class StageBuilder {
  static final String SCAN_CONTEXT = "BUILDKIT_SBOM_SCAN_CONTEXT";
  static final String SCAN_STAGE = "BUILDKIT_SBOM_SCAN_STAGE";

  /** Arguments that steer the frontend and never become variables. */
  static final Set<String> NOT_VARIABLES = Set.of(SCAN_CONTEXT, SCAN_STAGE);

  private static final String HISTORY_COMMENT = "buildkit.dockerfile.v0";

  private final PlannedStage stage;
  private final BuildScope scope;
  private final StagePath paths;
  private final FileChecks checks;

  StageBuilder(PlannedStage stage, BuildScope scope) {
    this.stage = stage;
    this.scope = scope;
    this.paths = new StagePath(platform().os());
    this.checks = scope.checks();
  }

  PlannedStage stage() {
    return stage;
  }

  BuildScope scope() {
    return scope;
  }

  StagePath paths() {
    return paths;
  }

  Platform platform() {
    return stage.platform.orElse(scope.target());
  }

  Environment environment() {
    return stage.state.environment();
  }

  /**
   * Builds the stage on what it stands on.
   *
   * @throws LocatedException with the place of the instruction that failed
   */
  void run() {
    if (stage.platform.isEmpty()) {
      stage.platform = Optional.of(scope.target());
    }
    takeOverImage();
    for (PlannedStage.Command command : stage.commands) {
      try {
        stage.inTrigger = command.trigger();
        carryOut(command);
      } catch (BuildException | LocatedException e) {
        throw LocatedException.at(command.instruction().origin().place(), e);
      }
    }
    stage.contextScanned = isEnabled(SCAN_CONTEXT);
    stage.scanned = isEnabled(SCAN_STAGE);
  }

  /** The base image's variables, folder and user hold for the stage's commands. */
  private void takeOverImage() {
    stage.image.ensurePath(platform().os());
    stage.state = stage.state.withEnvironment(environment().withEntries(stage.image.environment()));
    if (!scope.options().hostname().isEmpty()) {
      stage.state = stage.state.withHostname(scope.options().hostname());
    }
    if (!stage.image.workingDirectory().isEmpty()) {
      enter(stage.image.workingDirectory());
    }
    if (!stage.image.user().isEmpty()) {
      stage.state = stage.state.withUser(stage.image.user());
    }
    stage.state = stage.state.withNetwork(scope.options().network());
  }

  private boolean isEnabled(String argument) {
    boolean enabled = scope.globals().get(argument).map(this::namesThisStage).orElse(false);
    for (Instruction.Declaration declaration : stage.arguments) {
      if (declaration.name().equals(argument) && declaration.value().isPresent()) {
        enabled = namesThisStage(declaration.value().get());
      }
    }
    return enabled;
  }

  private boolean namesThisStage(String value) {
    return GoBool.parse(value)
        .orElseGet(() -> List.of(value.split(",", -1)).contains(stage.shownName));
  }

  private void carryOut(PlannedStage.Command command) {
    switch (command.instruction()) {
      case Instruction.Maintainer maintainer -> {
        stage.image.setAuthor(maintainer.name());
        record("MAINTAINER " + maintainer.name(), false);
      }
      case Instruction.Env env -> env(env);
      case Instruction.Label label -> label(label);
      case Instruction.Arg arg -> arg(arg);
      case Instruction.Run run -> new RunStep(this, run, command.sources()).carryOut();
      case Instruction.Copy copy -> CopyStep.of(this, copy, command.sources()).carryOut();
      case Instruction.Add add -> CopyStep.of(this, add).carryOut();
      case Instruction.Workdir workdir -> workdir(workdir);
      case Instruction.User user -> {
        String name = expand(user.user(), user);
        stage.state = stage.state.withUser(name);
        stage.image.setUser(name);
        record("USER " + name, false);
      }
      case Instruction.Volume volume -> volume(volume);
      case Instruction.Expose expose -> expose(expose);
      case Instruction.StopSignal signal -> {
        String name = expand(signal.signal(), signal);
        Signals.check(name);
        stage.image.setStopSignal(name);
        record("STOPSIGNAL " + name, false);
      }
      case Instruction.Shell shell -> {
        stage.image.setShell(shell.words());
        record("SHELL " + GoText.list(shell.words()), false);
      }
      case Instruction.Cmd cmd -> cmd(cmd);
      case Instruction.Entrypoint entrypoint -> entrypoint(entrypoint);
      case Instruction.Healthcheck health -> healthcheck(health);
      case Instruction.OnBuild onBuild -> stage.image.addOnBuild(onBuild.expression());
      case Instruction.From _ ->
          throw new BuildException(Kind.INVALID, "FROM is not allowed inside a stage");
    }
  }

  /** Expands a word with the stage's variables; undefined ones are reported. */
  String expand(String word, Instruction instruction) {
    return expandWith(scope.lexer(), word, instruction);
  }

  /** Expands the text of a heredoc, in which quotes are ordinary characters. */
  String expandHeredoc(String text, Instruction instruction) {
    return expandWith(scope.lexer().inHeredoc(), text, instruction);
  }

  private String expandWith(ShellLexer lexer, String word, Instruction instruction) {
    Expansion expansion = lexer.expand(word, environment());
    checks.undefined(
        expansion.unmatched(), stage.arguments, environment(), instruction.origin().place());
    return expansion.text();
  }

  /** Adds a line to the history. */
  void record(String line, boolean layer) {
    scope.history().take(line.length());
    String created =
        scope
            .options()
            .epoch()
            .map(epoch -> ImageJson.time(epoch.atOffset(ZoneOffset.UTC)))
            .orElse("");
    stage.image.addHistory(new History(created, line, "", HISTORY_COMMENT, !layer));
  }

  private void env(Instruction.Env env) {
    var line = new StringJoiner(" ").add("ENV");
    var expanded = new ArrayList<Arguments.Pair>();
    for (Arguments.Pair pair : env.pairs()) { // all see the variables as they were before
      expanded.add(expand(pair, env));
    }
    for (Arguments.Pair pair : expanded) {
      checkLegacy(pair, env);
      checks.secretName("ENV", pair.key(), env.origin().place());
      line.add(pair.toString());
      stage.state = stage.state.withVariable(pair.key(), pair.value());
      stage.image.setVariable(pair.key(), pair.value());
    }
    record(line.toString(), false);
  }

  private Arguments.Pair expand(Arguments.Pair pair, Instruction instruction) {
    return new Arguments.Pair(
        expand(pair.key(), instruction), expand(pair.value(), instruction), pair.legacy());
  }

  private void checkLegacy(Arguments.Pair pair, Instruction instruction) {
    if (pair.legacy()) {
      String keyword = instruction.origin().keyword();
      scope
          .linter()
          .report(
              Rule.LEGACY_KEY_VALUE_FORMAT,
              "\""
                  + keyword
                  + " key=value\" should be used instead of legacy \""
                  + keyword
                  + " key value\" format",
              instruction.origin().place());
    }
  }

  private void label(Instruction.Label label) {
    var line = new StringJoiner(" ").add("LABEL");
    for (Arguments.Pair written : label.pairs()) {
      Arguments.Pair pair = expand(written, label);
      checkLegacy(pair, label);
      stage.image.setLabel(pair.key(), pair.value());
      line.add(pair.toString());
    }
    record(line.toString(), false);
  }

  private void arg(Instruction.Arg arg) {
    var line = new StringJoiner(" ").add("ARG");
    for (Instruction.Declaration written : arg.declarations()) {
      checks.secretName("ARG", written.name(), arg.origin().place());
      Optional<String> given =
          Optional.ofNullable(scope.options().buildArguments().get(written.name()));
      boolean fromGlobals = false;
      Optional<String> value = given;
      if (given.isEmpty() && written.value().isPresent()) {
        value = Optional.of(expand(written.value().get(), arg));
      } else if (given.isEmpty()) {
        value = scope.globals().get(written.name());
        fromGlobals = value.isPresent();
      }
      Instruction.Declaration declaration = value.map(written::withValue).orElse(written);
      if (value.isPresent() && !NOT_VARIABLES.contains(written.name())) {
        stage.state = stage.state.withVariable(written.name(), value.get());
      }
      if (!fromGlobals) { // what the file's head declares is described there
        stage.outline.declare(
            new Outline.Argument(declaration, value.orElse(""), Set.of(), arg.origin().place()));
      }
      stage.outline.use(written.name());
      stage.arguments.add(declaration);
      line.add(written.name() + value.map(v -> "=" + v).orElse(""));
    }
    record(line.toString(), false);
  }

  /** Makes {@code path} the working directory; returns it with forward slashes. */
  private String enter(String path) {
    String next = paths.resolve(stage.image.workingDirectory(), path, false);
    stage.image.setWorkingDirectory(paths.shown(next));
    stage.state = stage.state.withDirectory(next);
    return next;
  }

  private void workdir(Instruction.Workdir workdir) {
    String path = expand(workdir.path(), workdir);
    if (!stage.workdirSet && !paths.isAbsolute(path)) {
      scope
          .linter()
          .report(
              Rule.WORKDIR_RELATIVE_PATH,
              "Relative workdir "
                  + GoText.quote(path)
                  + " can have unexpected results if the base image changes",
              workdir.origin().place());
    }
    stage.workdirSet = true;
    String directory = enter(path);
    boolean layer = !directory.equals("/");
    if (layer) {
      String user = stage.image.user();
      var make =
          new FileStep.MakeDirectory(
              directory,
              0755,
              true,
              user.isEmpty() ? Optional.empty() : Optional.of(FileStep.Owner.parse(user)),
              scope.options().epoch());
      String shown = StepNames.shown(scope.lexer(), workdir.origin().text(), environment());
      String name =
          StepNames.next(stage, shown, scope.shown(Optional.of(platform())), environment());
      stage.state =
          stage.state.file(
              List.of(make), scope.at(NodeOptions.named(name), workdir.origin().place()));
    }
    record("WORKDIR " + directory, layer);
  }

  private void volume(Instruction.Volume volume) {
    var expanded = new ArrayList<String>();
    for (String path : volume.paths()) {
      expanded.add(expand(path, volume));
    }
    if (expanded.contains("")) {
      throw new BuildException(Kind.INVALID, "VOLUME specified can not be an empty string");
    }
    expanded.forEach(stage.image::addVolume);
    record("VOLUME " + GoText.list(expanded), false);
  }

  private void expose(Instruction.Expose expose) {
    var words = new ArrayList<String>();
    expose.ports().forEach(port -> words.addAll(scope.lexer().words(port, environment())));
    var ports = PortSpecs.parse(words);
    ports.forEach(stage.image::exposePort);
    var line = new StringJoiner(" ", "EXPOSE map[", "]");
    ports.forEach(port -> line.add(port + ":{}"));
    record(line.toString(), false);
  }

  private List<String> inShell(Instruction instruction, Instruction.CommandLine command) {
    if (!command.shellForm()) {
      return command.words();
    }
    if (stage.image.shell().isEmpty()) {
      String keyword = instruction.origin().keyword();
      scope
          .linter()
          .report(
              Rule.JSON_ARGS_RECOMMENDED,
              "JSON arguments recommended for "
                  + keyword
                  + " to prevent unintended behavior related to OS signals",
              instruction.origin().place());
    }
    return inShell(String.join(" ", command.words()));
  }

  /** The stage's shell with a command for it to read. */
  List<String> inShell(String command) {
    List<String> shell = stage.image.shell();
    if (shell.isEmpty()) {
      shell =
          stage.image.os().equals("windows")
              ? List.of("cmd", "/S", "/C")
              : List.of("/bin/sh", "-c");
    }
    var words = new ArrayList<>(shell);
    words.add(command);
    return words;
  }

  private void cmd(Instruction.Cmd cmd) {
    checks.onceOnly(stage, "CMD", cmd);
    List<String> words = inShell(cmd, cmd.command());
    stage.image.setCommand(words);
    stage.image.markArgsEscaped();
    record("CMD " + GoText.quoteList(words), false);
  }

  private void entrypoint(Instruction.Entrypoint entrypoint) {
    checks.onceOnly(stage, "ENTRYPOINT", entrypoint);
    List<String> words = inShell(entrypoint, entrypoint.command());
    stage.image.setEntrypoint(words);
    if (!stage.onceOnly.containsKey("CMD")) { // a base image's command was meant for another
      stage.image.setCommand(List.of());
    }
    record("ENTRYPOINT " + GoText.quoteList(words), false);
  }

  private void healthcheck(Instruction.Healthcheck health) {
    checks.onceOnly(stage, "HEALTHCHECK", health);
    var check =
        new Healthcheck(
            health.test(),
            health.interval(),
            health.timeout(),
            health.startPeriod(),
            health.startInterval(),
            health.retries());
    stage.image.setHealthcheck(check);
    record("HEALTHCHECK " + check.shown(), false);
  }
}
