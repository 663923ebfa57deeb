package dev.kiln.dockerfile.convert;

import dev.kiln.model.SourceRange;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The outline of a target, gathered from it and all stages that it needs. Pure. */
final class Outlines {
  private Outlines() {}

  static Converted.TargetOutline of(PlannedStage target) {
    var arguments = new LinkedHashMap<String, Outline.Argument>();
    var secrets = new LinkedHashMap<String, Outline.Need>();
    var agents = new LinkedHashMap<String, Outline.Need>();
    for (PlannedStage stage : target.reachable()) {
      stage.outline.usedArguments().forEach(arguments::putIfAbsent);
      stage.outline.secrets().forEach(secrets::putIfAbsent);
      stage.outline.agents().forEach(agents::putIfAbsent);
    }
    return new Converted.TargetOutline(
        target.name,
        target.comment,
        arguments.values().stream().sorted(Comparator.comparingInt(a -> line(a.place()))).toList(),
        named(secrets),
        named(agents));
  }

  private static List<Converted.Named> named(Map<String, Outline.Need> needs) {
    return needs.entrySet().stream()
        .map(e -> new Converted.Named(e.getKey(), e.getValue()))
        .sorted(Comparator.comparingInt(n -> line(n.need().place())))
        .toList();
  }

  private static int line(List<SourceRange> place) {
    return place.isEmpty() ? 0 : place.getFirst().startLine();
  }
}
