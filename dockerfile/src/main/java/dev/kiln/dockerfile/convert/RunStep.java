package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.graph.FileStep;
import dev.kiln.dockerfile.graph.Node;
import dev.kiln.dockerfile.graph.NodeOptions;
import dev.kiln.dockerfile.graph.Output;
import dev.kiln.dockerfile.graph.State;
import dev.kiln.dockerfile.instruction.Instruction;
import dev.kiln.dockerfile.instruction.RunMount;
import dev.kiln.dockerfile.shell.Environment;
import dev.kiln.dockerfile.syntax.Heredoc;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.dockerfile.text.SlashPath;
import dev.kiln.grpc.pb.CDIDevice;
import dev.kiln.grpc.pb.CacheSharingOpt;
import dev.kiln.grpc.pb.NetMode;
import dev.kiln.grpc.pb.SecurityMode;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A {@code RUN} of a stage (features F-82 to F-91). One thread. */
final class RunStep {
  private static final String DOCUMENTS = "/dev/pipes/";

  private final StageBuilder builder;
  private final PlannedStage stage;
  private final BuildScope scope;
  private final Instruction.Run run;
  private final List<PlannedStage> sources;
  private final List<Node.Mount> mounts = new ArrayList<>();
  private String name;

  RunStep(StageBuilder builder, Instruction.Run run, List<PlannedStage> sources) {
    this.builder = builder;
    this.stage = builder.stage();
    this.scope = builder.scope();
    this.run = run;
    this.sources = sources;
    this.name = run.origin().text();
  }

  void carryOut() {
    List<RunMount> wanted =
        run.mounts().stream()
            .map(mount -> RunMount.parse(mount, word -> builder.expand(word, run)))
            .toList();
    stage.take("/"); // a command may look at any file
    List<String> arguments = arguments();
    for (int i = 0; i < wanted.size(); i++) {
      addMount(wanted.get(i), sources.get(i));
    }
    if (scope.options().shmBytes() > 0) {
      mounts.add(new Node.Mount.Tmpfs("/dev/shm", scope.options().shmBytes(), false));
    }
    Environment environment = builder.environment();
    Environment shownEnvironment = masked(environment, wanted);
    String shown =
        StepNames.shown(scope.lexer().keepingQuotes().keepingUnset(), name, shownEnvironment);
    NodeOptions options =
        scope
            .at(
                NodeOptions.named(
                    StepNames.next(stage, shown, scope.shown(stage.state.platform()), environment)),
                run.origin().place())
            .withDescription("com.docker.dockerfile.v1.command", run.origin().text())
            .ignoringCache(stage.ignoreCache);
    stage.state =
        stage.state.withOutput(
            new Output.Made(new Node.Exec(stage.state, process(arguments), mounts, options), 0));
    builder.record("RUN " + historyLine(arguments, environment) + " # buildkit", true);
  }

  private Node.Process process(List<String> arguments) {
    NetMode network =
        switch (run.network()) {
          case "none" -> NetMode.NONE;
          case "host" -> NetMode.HOST;
          default -> stage.state.network();
        };
    List<CDIDevice> devices =
        run.devices().stream()
            .map(d -> CDIDevice.newBuilder().setName(d.name()).setOptional(!d.required()).build())
            .toList();
    return new Node.Process(
        arguments,
        scope.proxy(),
        network,
        run.security().equals("insecure") ? SecurityMode.INSECURE : SecurityMode.SANDBOX,
        scope.options().hosts(),
        scope.options().limits(),
        scope.options().cgroupParent(),
        devices);
  }

  private List<String> arguments() {
    Instruction.CommandLine command = run.command();
    if (!command.documents().isEmpty()) {
      return withDocuments(command);
    }
    return command.shellForm()
        ? builder.inShell(String.join(" ", command.words()))
        : command.words();
  }

  private List<String> withDocuments(Instruction.CommandLine command) {
    if (command.words().size() != 1 || !command.shellForm()) {
      throw invalid("parsing produced an invalid run command: " + GoText.list(command.words()));
    }
    String line = command.words().getFirst();
    if (Heredoc.parseLenient(line).isEmpty()) { // the shell itself reads the documents
      var whole = new StringBuilder(line);
      command.documents().forEach(d -> whole.append('\n').append(d.raw()).append(d.name()));
      return builder.inShell(whole.toString());
    }
    Instruction.ShellDocument script = command.documents().getFirst();
    name += " (" + summary(script.raw()) + ")";
    if (stage.image.os().equals("windows") || !script.raw().startsWith("#!")) {
      return builder.inShell(script.text());
    }
    State file =
        State.scratch()
            .file(
                List.of(
                    new FileStep.MakeFile(
                        script.name(), 0755, script.text().getBytes(StandardCharsets.UTF_8))),
                CopyStep.INLINE);
    mounts.add(new Node.Mount.Bind(DOCUMENTS, file.output(), "/", true, false));
    return builder.inShell(SlashPath.join(DOCUMENTS, script.name()));
  }

  /** The first line of a document, for the step's name. */
  private static String summary(String document) {
    String text = GoText.trim(document).replace("\r\n", "\n");
    int newline = text.indexOf('\n');
    return newline < 0 ? text : text.substring(0, newline) + "...";
  }

  private void addMount(RunMount mount, PlannedStage source) {
    switch (mount.type()) {
      case SECRET -> addSecret(mount);
      case SSH -> addAgent(mount);
      case BIND, CACHE, TMPFS -> addFiles(mount, source);
    }
  }

  private void addFiles(RunMount mount, PlannedStage source) {
    boolean cache = mount.type() == RunMount.Type.CACHE;
    boolean fromContext = mount.from().isEmpty() && !cache;
    if (!fromContext && !source.dispatched) {
      throw invalid(
          "cannot mount from stage "
              + GoText.quote(mount.from())
              + " to "
              + GoText.quote(mount.target())
              + ", stage needs to be defined before current command");
    }
    State files = fromContext ? scope.buildContext() : source.state;
    String target = target(mount.target());
    String selector = SlashPath.join("/", mount.source());
    if (!selector.equals("/")) {
      // as it is
    } else if (mount.hasOwnership()) {
      files = owned(files, mount);
      selector = "/cache";
    } else {
      selector = "";
    }
    mounts.add(
        switch (mount.type()) {
          case TMPFS -> new Node.Mount.Tmpfs(target, mount.sizeBytes(), mount.readOnly());
          case CACHE ->
              new Node.Mount.Cache(
                  target,
                  files.output(),
                  selector,
                  mount.readOnly(),
                  cacheId(mount),
                  sharing(mount));
          case BIND, SECRET, SSH ->
              new Node.Mount.Bind(
                  target, files.output(), selector, mount.readOnly(), !mount.readOnly());
        });
    if (fromContext) {
      stage.contextPaths.add(SlashPath.join("/", mount.source()));
    } else {
      source.take(mount.source());
    }
  }

  private String target(String written) {
    String target =
        SlashPath.isAbsolute(SlashPath.clean(written))
            ? written
            : SlashPath.join("/", stage.state.directory(), written);
    if (target.equals("/")) {
      throw invalid("invalid mount target " + GoText.quote(target));
    }
    return target;
  }

  private String cacheId(RunMount mount) {
    String id = mount.id().isEmpty() ? SlashPath.clean(mount.target()) : mount.id();
    return scope.options().cacheNamespace() + "/" + id;
  }

  private static CacheSharingOpt sharing(RunMount mount) {
    return switch (mount.sharing().orElse(RunMount.Sharing.SHARED)) {
      case SHARED -> CacheSharingOpt.SHARED;
      case PRIVATE -> CacheSharingOpt.PRIVATE;
      case LOCKED -> CacheSharingOpt.LOCKED;
    };
  }

  /** A directory with the owner and mode that a cache is to begin with. */
  private static State owned(State files, RunMount mount) {
    var owner =
        new FileStep.Owner(
            Integer.toString(mount.uid().orElse(0)),
            Optional.of(Integer.toString(mount.gid().orElse(0))));
    return files.file(
        List.of(
            new FileStep.MakeDirectory(
                "/cache", mount.mode().orElse(0755), false, Optional.of(owner), Optional.empty())),
        NodeOptions.named("[internal] setting cache mount permissions"));
  }

  private void addSecret(RunMount mount) {
    String id = mount.source().isEmpty() ? mount.id() : mount.source();
    if (id.isEmpty()) {
      id = SlashPath.base(mount.target());
    }
    Optional<String> target =
        mount.target().isEmpty() ? Optional.empty() : Optional.of(mount.target());
    if (mount.env().isEmpty() && target.isEmpty()) {
      target = Optional.of("/run/secrets/" + SlashPath.base(id));
    }
    stage.outline.useSecret(id, new Outline.Need(mount.required(), run.origin().place()));
    mounts.add(
        new Node.Mount.Secret(
            id,
            target,
            mount.env(),
            mount.uid().orElse(0),
            mount.gid().orElse(0),
            mount.mode().orElse(0400),
            !mount.required()));
  }

  private void addAgent(RunMount mount) {
    if (!mount.source().isEmpty()) {
      throw invalid("ssh does not support source");
    }
    stage.outline.useAgent(
        mount.id().isEmpty() ? "default" : mount.id(),
        new Outline.Need(mount.required(), run.origin().place()));
    mounts.add(
        new Node.Mount.Ssh(
            mount.id(),
            mount.target(),
            mount.uid().orElse(0),
            mount.gid().orElse(0),
            mount.mode().orElse(0600),
            !mount.required()));
  }

  /** The variables for the step's name: those that hold secrets are shown as stars. */
  private static Environment masked(Environment environment, List<RunMount> mounts) {
    Map<String, String> stars = new LinkedHashMap<>();
    for (RunMount mount : mounts) {
      if (mount.type() == RunMount.Type.SECRET) {
        mount.env().ifPresent(variable -> stars.put(variable, "****"));
      }
    }
    return environment.withAll(stars);
  }

  /** The command with the arguments of the stage in front: {@code |1 A=b /bin/sh -c …} (F-76). */
  private String historyLine(List<String> arguments, Environment environment) {
    var defaults = new LinkedHashMap<String, Optional<String>>();
    for (Instruction.Declaration argument : stage.arguments) {
      defaults.put(argument.name(), argument.value());
    }
    var words = new ArrayList<String>();
    if (!defaults.isEmpty()) {
      words.add("|" + defaults.size());
      defaults.forEach((name, value) ->
          words.add(name + "=" + environment.get(name).or(() -> value).orElse("")));
    }
    words.addAll(arguments);
    return String.join(" ", words);
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
