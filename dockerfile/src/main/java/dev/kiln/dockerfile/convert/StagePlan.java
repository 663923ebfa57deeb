package dev.kiln.dockerfile.convert;

import com.google.re2j.Pattern;
import dev.kiln.dockerfile.instruction.Instruction;
import dev.kiln.dockerfile.instruction.RunMount;
import dev.kiln.dockerfile.syntax.LocatedException;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** All stages of one conversion, in order, and the way from names to them. One thread. */
final class StagePlan {
  /** Places that are told of a circle. */
  private static final int MOST_SHOWN = 100;

  private final List<PlannedStage> stages = new ArrayList<>();
  private final Map<String, PlannedStage> byName = new LinkedHashMap<>();

  List<PlannedStage> all() {
    return List.copyOf(stages);
  }

  PlannedStage last() {
    return stages.getLast();
  }

  int size() {
    return stages.size();
  }

  /** Adds a stage; it stands on the earlier one that its base names, if there is one. */
  void add(PlannedStage stage) {
    stages.add(stage);
    PlannedStage below = byName.get(stage.base);
    if (below != null) {
      stage.parent = Optional.of(below);
      stage.outline = below.outline.copy();
    }
    if (!stage.name.isEmpty()) {
      byName.put(stage.name, stage);
    }
  }

  Optional<PlannedStage> named(String name) {
    return Optional.ofNullable(byName.get(name.toLowerCase(Locale.ROOT)));
  }

  /** Names to suggest. */
  List<String> names() {
    return stages.stream().map(s -> s.shownName).filter(n -> !n.isEmpty()).toList();
  }

  /** The instruction with the stages it takes from; images among them become implicit stages. */
  PlannedStage.Command command(Instruction instruction, boolean trigger) {
    if (instruction instanceof Instruction.Copy copy && !copy.from().isEmpty()) {
      return new PlannedStage.Command(copy, List.of(source(copy)), trigger);
    }
    List<PlannedStage> sources =
        instruction instanceof Instruction.Run run ? mountSources(run) : List.of();
    return new PlannedStage.Command(instruction, sources, trigger);
  }

  /** Lets {@code stage} need what its command takes from. */
  void require(PlannedStage stage, PlannedStage.Command command) {
    for (PlannedStage source : command.sources()) {
      stage.needs.put(source, command.instruction());
      if (source.implicit && !stages.contains(source)) {
        add(source);
      }
    }
  }

  private PlannedStage source(Instruction.Copy copy) {
    String from = copy.from();
    if (Pattern.matches("[+-]?[0-9]{1,9}", from)) {
      int index = Integer.parseInt(from);
      if (index < 0 || index >= stages.size()) {
        throw new BuildException(Kind.INVALID, "invalid stage index " + index);
      }
      return stages.get(index);
    }
    return named(from).orElseGet(() -> PlannedStage.implicit(from, copy.origin().place()));
  }

  private List<PlannedStage> mountSources(Instruction.Run run) {
    var sources = new ArrayList<PlannedStage>();
    for (String mount : run.mounts()) {
      String from = RunMount.from(mount);
      String image = from.isEmpty() ? "scratch" : from;
      sources.add(named(image).orElseGet(() -> mounted(image, run)));
    }
    return sources;
  }

  private static PlannedStage mounted(String image, Instruction.Run run) {
    PlannedStage stage = PlannedStage.implicit(image, List.of());
    stage.askedAt = run.origin().place();
    return stage;
  }

  /**
   * @throws LocatedException naming a stage that needs itself, with the lines that lead there
   */
  void refuseCircles() {
    var visited = new HashSet<PlannedStage>();
    for (PlannedStage stage : stages) {
      circle(stage, visited)
          .ifPresent(path -> {
            RuntimeException failure =
                new BuildException(
                    Kind.INVALID, "circular dependency detected on stage: " + stage.shownName);
            for (Instruction step : path.subList(0, Math.min(MOST_SHOWN, path.size()))) {
              failure = LocatedException.at(step.origin().place(), failure);
            }
            throw failure;
          });
    }
  }

  /** A stage on the way down, by what it was needed, and what of its needs is to be looked at. */
  private record Open(
      PlannedStage stage,
      Optional<Instruction> by,
      Iterator<Map.Entry<PlannedStage, Instruction>> needs) {
    static Open of(PlannedStage stage, Optional<Instruction> by) {
      return new Open(stage, by, stage.needs.entrySet().iterator());
    }
  }

  /** The instructions by which {@code top} needs a stage that needs itself. */
  private static Optional<List<Instruction>> circle(PlannedStage top, Set<PlannedStage> visited) {
    var way = new ArrayDeque<Open>();
    var onWay = new HashSet<PlannedStage>();
    if (visited.add(top)) {
      way.push(Open.of(top, Optional.empty()));
      onWay.add(top);
    }
    while (!way.isEmpty()) {
      Open at = way.element();
      if (!at.needs().hasNext()) {
        onWay.remove(way.pop().stage());
        continue;
      }
      Map.Entry<PlannedStage, Instruction> need = at.needs().next();
      if (onWay.contains(need.getKey())) {
        var path = new ArrayList<Instruction>();
        way.descendingIterator().forEachRemaining(open -> open.by().ifPresent(path::add));
        path.add(need.getValue());
        return Optional.of(path);
      }
      if (visited.add(need.getKey())) {
        way.push(Open.of(need.getKey(), Optional.of(need.getValue())));
        onWay.add(need.getKey());
      }
    }
    return Optional.empty();
  }

  /** The stage that the client wants; the last one for an empty name. */
  PlannedStage target(String name) {
    if (name.isEmpty()) {
      return last();
    }
    return named(name)
        .orElseThrow(() ->
            dev.kiln.dockerfile.text.Suggestion.explain(
                new BuildException(
                    Kind.INVALID, "target stage " + GoText.quote(name) + " could not be found"),
                name,
                names(),
                true));
  }
}
