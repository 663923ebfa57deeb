package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.context.NamedContext;
import dev.kiln.dockerfile.graph.State;
import dev.kiln.dockerfile.image.ImageConfig;
import dev.kiln.dockerfile.instruction.Instruction;
import dev.kiln.dockerfile.instruction.Stage;
import dev.kiln.dockerfile.text.SlashPath;
import dev.kiln.model.Platform;
import dev.kiln.model.SourceRange;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A stage on its way: what it stands on, what it needs, what it has become so far. Also an image
 * that is only copied or mounted from ({@code implicit}). An open structure of one conversion's
 * thread; told apart by identity.
 */
final class PlannedStage {
  /** The lines that its image's op has; none for what only mounts ask for. */
  final List<SourceRange> place;

  /** The lines to blame if it cannot be found. */
  List<SourceRange> askedAt;

  final String name;
  final String comment;
  final boolean implicit;

  /** The FROM line; empty for an implicit stage. */
  final String fromText;

  String base;
  List<Command> commands = new ArrayList<>();
  final Map<PlannedStage, Instruction> needs = new LinkedHashMap<>();
  Optional<PlannedStage> parent = Optional.empty();
  Optional<NamedContext> context = Optional.empty();
  Optional<Platform> platform = Optional.empty();
  State state = State.scratch();
  ImageConfig image = ImageConfig.empty(new Platform("", "", ""));
  Optional<ImageConfig> baseImage = Optional.empty();
  Outline outline = new Outline();

  /** How the stage is called in progress; empty where there is nothing to tell apart. */
  String shownName = "";

  final List<Instruction.Declaration> arguments = new ArrayList<>();

  /** Paths that the stage takes from the build context. */
  final Set<String> contextPaths = new TreeSet<>();

  /** Paths of this stage that others take; shared with the stage it stands on. */
  Set<String> takenPaths = new TreeSet<>();

  boolean resolved;
  boolean dispatched;
  boolean triggersTaken;
  boolean ignoreCache;
  boolean scanned;
  boolean contextScanned;

  /** Whether a WORKDIR of this Dockerfile was there before. */
  boolean workdirSet;

  int steps;
  int step;
  boolean inTrigger;
  final Map<String, List<SourceRange>> onceOnly = new LinkedHashMap<>();

  private PlannedStage(
      String base,
      String name,
      String comment,
      String fromText,
      List<SourceRange> place,
      boolean implicit) {
    this.base = base;
    this.fromText = fromText;
    this.name = name;
    this.comment = comment;
    this.place = place;
    this.askedAt = place;
    this.implicit = implicit;
  }

  /**
   * An instruction and the stages it takes from, one for each mount of a RUN.
   *
   * @param trigger came from ONBUILD
   */
  record Command(Instruction instruction, List<PlannedStage> sources, boolean trigger) {
    Command {
      sources = List.copyOf(sources);
    }
  }

  static PlannedStage of(Stage stage, String base) {
    return new PlannedStage(
        base,
        stage.from().name(),
        stage.from().comment(),
        stage.from().origin().text(),
        stage.from().origin().place(),
        false);
  }

  static PlannedStage implicit(String image, List<SourceRange> place) {
    return new PlannedStage(image, "", "", "", place, true);
  }

  /** Takes what the stage below has become. */
  void inherit() {
    if (parent.isEmpty()) {
      return;
    }
    PlannedStage below = parent.get();
    state = below.state;
    platform = below.platform;
    image = below.image.copy();
    image.clearOnBuild(); // triggers hold for the next stage only
    baseImage = below.baseImage;
    takenPaths = below.takenPaths;
    workdirSet = below.workdirSet;
    arguments.addAll(below.arguments);
  }

  /** This stage and all that it needs, in the order in which they are met. */
  Set<PlannedStage> reachable() {
    var found = new LinkedHashSet<PlannedStage>();
    var open = new java.util.ArrayDeque<PlannedStage>(List.of(this));
    while (!open.isEmpty()) {
      PlannedStage next = open.removeFirst();
      if (found.add(next)) {
        next.parent.ifPresent(open::add);
        open.addAll(next.needs.keySet());
      }
    }
    return found;
  }

  void take(String path) {
    takenPaths.add(SlashPath.join("/", path));
  }

  /** The paths as a folder of the client is asked for them; empty for all. */
  static List<String> followPaths(Set<String> paths) {
    return paths.contains("/")
        ? List.of()
        : paths.stream().map(path -> SlashPath.clean("." + path)).sorted().toList();
  }
}
