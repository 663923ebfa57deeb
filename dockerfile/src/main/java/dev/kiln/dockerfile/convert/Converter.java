package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.context.NamedContext;
import dev.kiln.dockerfile.graph.Output;
import dev.kiln.dockerfile.graph.State;
import dev.kiln.dockerfile.instruction.Instruction;
import dev.kiln.dockerfile.instruction.InstructionReader;
import dev.kiln.dockerfile.instruction.Stage;
import dev.kiln.dockerfile.instruction.StageList;
import dev.kiln.dockerfile.lint.LintOptions;
import dev.kiln.dockerfile.lint.Linter;
import dev.kiln.dockerfile.lint.Rule;
import dev.kiln.dockerfile.shell.Allowance;
import dev.kiln.dockerfile.shell.Environment;
import dev.kiln.dockerfile.shell.Expansion;
import dev.kiln.dockerfile.shell.ShellLexer;
import dev.kiln.dockerfile.syntax.Directives;
import dev.kiln.dockerfile.syntax.DockerfileParser;
import dev.kiln.dockerfile.syntax.DockerfileText;
import dev.kiln.dockerfile.syntax.LocatedException;
import dev.kiln.dockerfile.syntax.Statement;
import dev.kiln.dockerfile.text.Suggestion;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.PatternMatcher;
import dev.kiln.model.Platform;
import dev.kiln.model.SourceRange;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Converts a Dockerfile for one platform: reads it, plans its stages, finds what they stand on,
 * runs the instructions of those that the target needs. One object, one conversion, one thread
 * (images are asked for beside it). Rules: features F-70 to F-109.
 */
public final class Converter {
  private final ConvertRequest request;
  private final Linter linter;
  private final FileChecks checks;
  private final StagePlan plan = new StagePlan();
  private final BaseImages bases;

  /** The build context, known when all stages have said what they take of it. */
  private State buildContext = State.scratch();

  private final State lateContext = State.of(new Output.Late(() -> buildContext.output()));

  private Converter(ConvertRequest request, LintOptions lint) {
    this.request = request;
    this.linter = new Linter(lint, request.warnings());
    this.checks = new FileChecks(linter);
    this.bases = new BaseImages(request, plan, checks);
  }

  /**
   * @throws LocatedException with the place of the mistake, or {@code BuildException} for one that
   *     has none
   */
  public static Converted convert(ConvertRequest request) throws InterruptedException {
    if (request.source().getData().isEmpty()) {
      throw new BuildException(Kind.INVALID, "the Dockerfile cannot be empty");
    }
    return new Converter(request, lintOptions(request)).run();
  }

  private static LintOptions lintOptions(ConvertRequest request) {
    if (request.options().lint().isPresent()) {
      return request.options().lint().get();
    }
    try {
      return LintOptions.parse(Directives.check(request.text()).orElse(""));
    } catch (BuildException e) {
      throw e.wrap("failed to parse check options");
    }
  }

  private Converted run() throws InterruptedException {
    DockerfileText text = DockerfileParser.parse(request.text());
    for (SourceRange place : text.emptyContinuations()) {
      linter.report(Rule.NO_EMPTY_CONTINUATION, "Empty continuation line", List.of(place));
    }
    StageList file = StageList.read(text, linter);
    checks.stageNames(file.stages());
    checks.casing(file.stages());
    ShellLexer lexer = ShellLexer.of(text.escape()).within(Allowance.ofVariables());
    GlobalScope globals = globals(file, lexer);
    for (int i = 0; i < file.stages().size(); i++) {
      planStage(file.stages().get(i), i, lexer, globals);
    }
    PlannedStage target = plan.target(request.options().target());
    connectStages();
    plan.refuseCircles();
    if (plan.size() == 1) {
      plan.last().shownName = ""; // nothing to tell apart
    }
    resolveBases(target);
    Set<String> contextPaths = buildStages(target, lexer, globals);
    target.takenPaths.add("/");
    request.options().labels().forEach(target.image::setLabel);
    linter.failIfAsked();
    buildContext = request.contexts().mainContext(PlannedStage.followPaths(contextPaths));
    settlePlatform(target);
    return converted(target);
  }

  private GlobalScope globals(StageList file, ShellLexer lexer) {
    String wanted = request.options().target();
    Environment predefined =
        GlobalScope.predefined(
            request.build(),
            request.targetOrBuild(),
            wanted.isEmpty() ? file.stages().getLast().from().name() : wanted,
            request.options().buildArguments());
    checks.defaultBases(file, lexer, predefined);
    return GlobalScope.of(
        predefined, file.globalArguments(), lexer, request.options().buildArguments());
  }

  private void planStage(Stage stage, int index, ShellLexer lexer, GlobalScope globals) {
    List<SourceRange> place = stage.from().origin().place();
    try {
      planStage(stage, index, place, lexer, globals);
    } catch (BuildException e) {
      throw LocatedException.at(place, e);
    }
  }

  private void planStage(
      Stage stage, int index, List<SourceRange> place, ShellLexer lexer, GlobalScope globals) {
    Instruction.From from = stage.from();
    Expansion base = lexer.expand(from.base(), globals.environment());
    checks.undeclared(globals, base.unmatched(), place);
    if (base.text().isEmpty()) {
      throw invalid("base name (" + from.base() + ") should not be blank");
    }
    var planned = PlannedStage.of(stage, base.text());
    planned.shownName = from.name();
    stage
        .instructions()
        .forEach(i -> planned.commands.add(new PlannedStage.Command(i, List.of(), false)));
    globals.declared().values().forEach(planned.outline::declare);
    var used = new LinkedHashSet<>(base.matched());
    if (!from.platform().isEmpty()) {
      planned.platform = Optional.of(platform(from, lexer, globals, used));
    }
    Optional<NamedContext> context =
        from.name().isEmpty()
            ? Optional.empty()
            : bases.namedContext(from.name(), planned.platform.or(request::target), planned);
    if (context.isPresent()) {
      planned.context = context;
      plan.add(planned);
      planned.parent = Optional.empty(); // the context stands in its place
      return;
    }
    if (from.name().isEmpty()) {
      planned.shownName = "stage-" + index;
    }
    plan.add(planned);
    used.forEach(planned.outline::use);
    planned.steps = steps(planned);
    planned.ignoreCache = request.options().ignoresCache(from.name());
  }

  private Platform platform(
      Instruction.From from, ShellLexer lexer, GlobalScope globals, Set<String> used) {
    Expansion expansion;
    try {
      expansion = lexer.expand(from.platform(), globals.environment());
    } catch (BuildException e) {
      throw e.wrap("failed to process arguments for platform " + from.platform());
    }
    checks.undeclared(globals, expansion.unmatched(), from.origin().place());
    checks.platformFlag(from, expansion, globals.environment());
    used.addAll(expansion.matched());
    if (expansion.text().isEmpty()) {
      throw suggesting(
          invalid("empty platform value from expression " + from.platform()),
          expansion.unmatched(),
          globals);
    }
    try {
      return Platform.parse(expansion.text());
    } catch (BuildException e) {
      throw suggesting(e, expansion.unmatched(), globals)
          .wrap("failed to parse platform " + from.platform());
    }
  }

  private static BuildException suggesting(
      BuildException failure, Set<String> words, GlobalScope globals) {
    for (String word : words) {
      BuildException explained =
          Suggestion.explain(failure, word, globals.environment().names(), true);
      if (explained != failure) {
        return explained;
      }
    }
    return failure;
  }

  private static int steps(PlannedStage stage) {
    boolean image = !stage.base.equals("scratch") && stage.parent.isEmpty();
    long instructions =
        stage.commands.stream()
            .map(PlannedStage.Command::instruction)
            .filter(i ->
                i instanceof Instruction.Add
                    || i instanceof Instruction.Copy
                    || i instanceof Instruction.Run
                    || i instanceof Instruction.Workdir)
            .count();
    return (image ? 1 : 0) + (int) instructions;
  }

  /** Tells each stage from which others its instructions take. */
  private void connectStages() {
    for (PlannedStage stage : plan.all()) {
      var commands = new ArrayList<PlannedStage.Command>();
      for (PlannedStage.Command bare : stage.commands) {
        PlannedStage.Command command;
        try {
          command = plan.command(bare.instruction(), false);
        } catch (BuildException e) {
          throw LocatedException.at(bare.instruction().origin().place(), e);
        }
        commands.add(command);
        plan.require(stage, command);
      }
      stage.commands = commands;
    }
  }

  /** Finds base images; their triggers may need further images. */
  private void resolveBases(PlannedStage target) throws InterruptedException {
    boolean again = true;
    while (again) {
      again = false;
      Set<PlannedStage> needed =
          request.allStages() ? new LinkedHashSet<>(plan.all()) : target.reachable();
      bases.resolve(needed);
      for (PlannedStage stage : target.reachable()) {
        stage.inherit();
        again |= takeTriggers(stage);
      }
    }
  }

  /** Puts the ONBUILD instructions of what is below in front; whether they need new stages. */
  private boolean takeTriggers(PlannedStage stage) {
    var triggers = new ArrayList<>(stage.image.onBuild());
    if (stage.parent.isPresent() && !stage.triggersTaken) {
      for (PlannedStage.Command command : stage.parent.get().commands) {
        if (command.instruction() instanceof Instruction.OnBuild onBuild) {
          triggers.add(onBuild.expression());
        }
      }
      stage.triggersTaken = true;
    }
    if (triggers.isEmpty()) {
      return false;
    }
    stage.image.clearOnBuild();
    try {
      return addTriggers(stage, triggers);
    } catch (BuildException | LocatedException e) {
      throw LocatedException.only(stage.place, e);
    }
  }

  private boolean addTriggers(PlannedStage stage, List<String> triggers) {
    var commands = new ArrayList<PlannedStage.Command>();
    boolean needsMore = false;
    int start = stage.place.isEmpty() ? 0 : stage.place.getFirst().startLine();
    int end = stage.place.isEmpty() ? 0 : stage.place.getLast().endLine();
    for (String trigger : triggers) {
      List<Statement> statements = DockerfileParser.parse(trigger).statements();
      if (statements.size() != 1) {
        throw invalid("onbuild trigger should be a single expression");
      }
      Instruction instruction =
          new InstructionReader(Linter.silent()).read(statements.getFirst().movedTo(start, end));
      if (instruction instanceof Instruction.From) {
        throw invalid("FROM isn't allowed as an ONBUILD trigger");
      }
      PlannedStage.Command command = plan.command(instruction, true);
      needsMore |= !command.sources().isEmpty();
      commands.add(command);
      plan.require(stage, command);
    }
    stage.steps += commands.size();
    commands.addAll(stage.commands);
    stage.commands = commands;
    return needsMore;
  }

  /** Runs the instructions of the stages that are needed; returns the context's wanted paths. */
  private Set<String> buildStages(PlannedStage target, ShellLexer lexer, GlobalScope globals)
      throws InterruptedException {
    var scope =
        new BuildScope(
            request.options(),
            lexer,
            Allowance.ofHistory(),
            globals.environment(),
            lateContext,
            ignored(),
            linter,
            request.source(),
            request.targetOrBuild());
    var contextPaths = new TreeSet<String>();
    Set<PlannedStage> needed = target.reachable();
    for (PlannedStage stage : plan.all()) {
      if (!request.allStages() && (!needed.contains(stage) || stage.dispatched)) {
        continue;
      }
      stage.inherit();
      stage.dispatched = true;
      new StageBuilder(stage, scope).run();
      contextPaths.addAll(stage.contextPaths);
    }
    return contextPaths;
  }

  private PatternMatcher ignored() throws InterruptedException {
    List<String> patterns = request.contexts().ignorePatterns();
    return patterns.isEmpty() ? PatternMatcher.NONE : PatternMatcher.of(patterns);
  }

  private void settlePlatform(PlannedStage target) {
    request.target().ifPresent(target.image::refinePlatform);
    target.image.normalizePlatform();
  }

  private Converted converted(PlannedStage target) {
    var scanned = new TreeMap<String, State>();
    boolean ignoreCache = target.ignoreCache;
    if (target.contextScanned) {
      scanned.put("context", lateContext);
    }
    for (PlannedStage stage : target.reachable()) {
      if (stage != target && stage.scanned) {
        scanned.put(stage.shownName, stage.state);
        ignoreCache |= stage.ignoreCache;
      }
    }
    return new Converted(
        target.state,
        request.targetOrBuild(),
        target.image,
        target.baseImage,
        scanned,
        ignoreCache,
        Outlines.of(target));
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
