package dev.kiln.dockerfile.convert;

import com.google.re2j.Pattern;
import dev.kiln.dockerfile.context.GitRef;
import dev.kiln.dockerfile.context.Sources;
import dev.kiln.dockerfile.graph.FileStep;
import dev.kiln.dockerfile.graph.FileStep.Manner;
import dev.kiln.dockerfile.graph.NodeOptions;
import dev.kiln.dockerfile.graph.Output;
import dev.kiln.dockerfile.graph.State;
import dev.kiln.dockerfile.instruction.Instruction;
import dev.kiln.dockerfile.lint.Rule;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.dockerfile.text.SlashPath;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.Progress.ProgressGroup;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** An {@code ADD} or {@code COPY} of a stage (features F-92 to F-99). One thread. */
final class CopyStep {
  /** The node that holds a heredoc's content. */
  static final NodeOptions INLINE = NodeOptions.named("[internal] preparing inline document");

  private static final int HIGHEST_MODE = 07777;

  private final StageBuilder builder;
  private final PlannedStage stage;
  private final BuildScope scope;
  private final Instruction instruction;
  private final boolean add;
  private final Instruction.Copying copying;
  private final State source;
  private final Optional<PlannedStage> sourceStage;
  private final boolean parents;
  private final boolean keepGitDir;
  private final String checksum;
  private final Optional<Boolean> unpack;

  private final List<FileStep> steps = new ArrayList<>();
  private final StringBuilder line = new StringBuilder();

  private CopyStep(
      StageBuilder builder,
      Instruction instruction,
      Instruction.Copying copying,
      State source,
      Optional<PlannedStage> sourceStage,
      boolean parents) {
    this.builder = builder;
    this.stage = builder.stage();
    this.scope = builder.scope();
    this.instruction = instruction;
    this.copying = copying;
    this.source = source;
    this.sourceStage = sourceStage;
    this.parents = parents;
    if (instruction instanceof Instruction.Add from) {
      this.add = true;
      this.keepGitDir = from.keepGitDir();
      this.checksum = builder.expand(from.checksum(), from);
      this.unpack = from.unpack();
    } else {
      this.add = false;
      this.keepGitDir = false;
      this.checksum = "";
      this.unpack = Optional.empty();
    }
  }

  static CopyStep of(StageBuilder builder, Instruction.Add add) {
    return new CopyStep(
        builder,
        add,
        expanded(builder, add, add.copying()),
        builder.scope().buildContext(),
        Optional.empty(),
        false);
  }

  static CopyStep of(StageBuilder builder, Instruction.Copy copy, List<PlannedStage> sources) {
    Instruction.Copying copying = expanded(builder, copy, copy.copying());
    Optional<PlannedStage> from = sources.stream().findFirst();
    if (from.isPresent() && !from.get().dispatched) {
      throw invalid(
          "cannot copy from stage "
              + GoText.quote(copy.from())
              + ", it needs to be defined before current stage "
              + GoText.quote(builder.stage().shownName));
    }
    return new CopyStep(
        builder,
        copy,
        copying,
        from.map(stage -> stage.state).orElse(builder.scope().buildContext()),
        from,
        copy.parents());
  }

  private static Instruction.Copying expanded(
      StageBuilder builder, Instruction instruction, Instruction.Copying c) {
    String owner = builder.expand(c.owner(), instruction);
    String mode = builder.expand(c.mode(), instruction);
    List<String> sources =
        c.sources().stream().map(word -> builder.expand(word, instruction)).toList();
    String destination = builder.expand(c.destination(), instruction);
    List<Instruction.InlineFile> inline =
        c.inline().stream()
            .map(file ->
                file.expand()
                    ? new Instruction.InlineFile(
                        file.name(), builder.expandHeredoc(file.content(), instruction), true)
                    : file)
            .toList();
    return new Instruction.Copying(
        sources, inline, destination, owner, mode, c.link(), c.excludes());
  }

  void carryOut() {
    String destination = destination();
    Mode mode = Mode.parse(copying.mode());
    checkChecksum();
    line.append(add ? "ADD" : "COPY").append(parents ? " --parents" : "");
    line.append(copying.owner().isEmpty() ? "" : " --chown=" + copying.owner());
    line.append(copying.mode().isEmpty() ? "" : " --chmod=" + copying.mode());

    Platform platform = builder.platform();
    String shown =
        StepNames.shown(scope.lexer(), instruction.origin().text(), builder.environment());
    String name =
        StepNames.next(stage, shown, scope.shown(Optional.of(platform)), builder.environment());
    for (String path : copying.sources()) {
      line.append(' ').append(path);
      addSource(path, destination, mode, name);
    }
    for (Instruction.InlineFile file : copying.inline()) {
      line.append(" <<").append(file.name());
      addInline(file, destination, mode);
    }
    line.append(' ').append(copying.destination());
    NodeOptions options =
        scope
            .at(NodeOptions.named(name), instruction.origin().place())
            .ignoringCache(stage.ignoreCache);
    if (copying.link() && copying.mode().isEmpty()) {
      link(options, name, shown, platform);
    } else {
      stage.state = stage.state.file(steps, options);
    }
    builder.record(line + " # buildkit", true);
    copying.sources().forEach(this::take);
  }

  /** The copy on an empty file system, laid over the stage: it does not depend on what is below. */
  private void link(NodeOptions options, String name, String shown, Platform platform) {
    String group = UUID.randomUUID().toString();
    State copy =
        State.scratch().file(steps, options.withGroup(new ProgressGroup(group, name, true)));
    String linkName =
        StepNames.current(
            stage, "LINK " + shown, scope.shown(Optional.of(platform)), builder.environment());
    stage.state =
        stage.state.merge(
            List.of(stage.state, copy),
            options.withGroup(new ProgressGroup(group, name, false)).withName(linkName));
  }

  private void take(String path) {
    if (sourceStage.isPresent()) {
      sourceStage.get().take(path);
    } else if (!add || !path.startsWith("http://") && !path.startsWith("https://")) {
      stage.contextPaths.add(SlashPath.join("/", path));
    }
  }

  private String destination() {
    String path = builder.paths().withoutDrive(copying.destination(), true);
    if (builder.paths().isAbsolute(path)) {
      return builder.paths().resolve("/", path, true);
    }
    // An empty or "." destination is the working directory, whatever it is.
    String relative = path.equals(".") || path.isEmpty() ? "./" : path;
    return builder.paths().resolve(stage.state.directory(), relative, true);
  }

  private void checkChecksum() {
    if (checksum.isEmpty()) {
      return;
    }
    if (copying.sources().size() != 1) {
      throw invalid("checksum can't be specified for multiple sources");
    }
    String only = copying.sources().getFirst();
    if (!isHttp(only) && GitRef.parse(only).isEmpty()) {
      throw invalid("checksum requires HTTP(S) or Git sources");
    }
  }

  private static boolean isHttp(String path) {
    return (path.startsWith("http://") || path.startsWith("https://"))
        && GitRef.parse(path).isEmpty();
  }

  private void addSource(String path, String destination, Mode mode, String name) {
    Optional<GitRef> git = GitRef.parse(path).filter(ref -> !ref.looksLocal());
    if (git.isPresent()) {
      if (!add) {
        throw invalid("source can't be a git ref for COPY");
      }
      State repository =
          State.of(Sources.git(git.get(), keepGitDir, checksum, NodeOptions.named(name)));
      addStep(
          repository.output(), "/", destination, mode, List.of(), Set.of(Manner.CREATE_PARENTS));
    } else if (isHttp(path)) {
      if (!add) {
        throw invalid("source can't be a URL for COPY");
      }
      addDownload(path, destination, mode, name);
    } else {
      addFiles(path, destination, mode);
    }
  }

  private void addDownload(String url, String destination, Mode mode, String name) {
    String file = fileName(url);
    Optional<Digest> expected =
        checksum.isEmpty() ? Optional.empty() : Optional.of(digest(checksum));
    State download =
        State.of(
            Sources.http(
                url,
                file,
                expected,
                NodeOptions.named(name).withDescription("com.docker.dockerfile.v1.command", "")));
    var manner = EnumSet.of(Manner.CREATE_PARENTS);
    if (unpack.orElse(false)) {
      manner.add(Manner.UNPACK);
    }
    addStep(download.output(), file, destination, mode, List.of(), manner);
  }

  private static Digest digest(String text) {
    if (!Digest.isValid(text)) {
      throw invalid(
          text.contains(":") && !text.startsWith("sha256:")
              ? "unsupported digest algorithm"
              : "invalid checksum digest format");
    }
    return new Digest(text);
  }

  /** The last part of the address's path. */
  private static String fileName(String url) {
    String path;
    try {
      path = java.net.URI.create(url).getPath();
    } catch (IllegalArgumentException e) {
      return "__unnamed__";
    }
    String base = SlashPath.base(path == null ? "" : path);
    return base.equals(".") || base.equals("/") ? "__unnamed__" : base;
  }

  private void addFiles(String path, String destination, Mode mode) {
    checkIgnored(path);
    String from = path;
    List<String> includes = List.of();
    if (parents) {
      int pivot = path.indexOf("/./");
      String kept = pivot < 0 ? path : path.substring(pivot + "/./".length());
      from = pivot < 0 ? "/" : path.substring(0, pivot);
      String pattern = builder.paths().resolve("/", kept, false);
      includes = List.of(pattern.startsWith("/") ? pattern.substring(1) : pattern);
    }
    var manner =
        EnumSet.of(
            Manner.FOLLOW_SYMLINKS,
            Manner.CONTENTS_ONLY,
            Manner.CREATE_PARENTS,
            Manner.WILDCARD,
            Manner.EMPTY_WILDCARD);
    if (add && unpack.orElse(true)) {
      manner.add(Manner.UNPACK);
    }
    addStep(
        source.output(),
        builder.paths().resolve("/", from, false),
        destination,
        mode,
        includes,
        manner);
  }

  private void checkIgnored(String path) {
    boolean fromContext = sourceStage.isEmpty();
    if (fromContext && scope.ignored().matches(dev.kiln.model.FilePaths.clean(path))) {
      scope
          .linter()
          .report(
              Rule.COPY_IGNORED_FILE,
              "Attempting to "
                  + (add ? "Add" : "Copy")
                  + " file "
                  + GoText.quote(path)
                  + " that is excluded by .dockerignore",
              instruction.origin().place());
    }
  }

  private void addInline(Instruction.InlineFile file, String destination, Mode mode) {
    String name = builder.paths().withoutDrive(file.name(), false);
    State content =
        State.scratch()
            .file(
                List.of(
                    new FileStep.MakeFile(
                        name, 0644, file.content().getBytes(StandardCharsets.UTF_8))),
                INLINE);
    addStep(content.output(), name, destination, mode, List.of(), Set.of(Manner.CREATE_PARENTS));
  }

  private void addStep(
      Optional<Output> from,
      String path,
      String destination,
      Mode mode,
      List<String> includes,
      Set<Manner> manner) {
    steps.add(
        new FileStep.Copy(
            from,
            path,
            destination,
            copying.owner().isEmpty()
                ? Optional.empty()
                : Optional.of(FileStep.Owner.parse(copying.owner())),
            mode.octal(),
            mode.symbolic(),
            includes,
            copying.excludes(),
            manner));
  }

  /** {@code --chmod}: octal bits, or symbolic as chmod takes it. */
  private record Mode(Optional<Integer> octal, String symbolic) {
    private static final String CLAUSE = "[ugoa]*([-+=][rwxXstugo]*)+";

    static Mode parse(String text) {
      if (text.isEmpty()) {
        return new Mode(Optional.empty(), "");
      }
      if (Pattern.matches("[0-7]+", text)) {
        long value = text.length() > 10 ? Long.MAX_VALUE : Long.parseLong(text, 8);
        if (value <= HIGHEST_MODE) {
          return new Mode(Optional.of((int) value), "");
        }
      } else if (!Character.isDigit(text.charAt(0))) {
        if (Pattern.matches(CLAUSE + "(," + CLAUSE + ")*", text)) {
          return new Mode(Optional.empty(), text);
        }
        throw invalid("invalid syntax");
      }
      throw invalid(
          "invalid chmod parameter: '"
              + text
              + "'. it should be octal string and between 0 and 07777");
    }
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
