package dev.kiln.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What shall come of a build. Immutable.
 *
 * @param attributes those for the daemon's exporter
 */
public record Output(String type, Map<String, String> attributes, Target target) {
  public Output {
    attributes = Map.copyOf(attributes);
  }

  /** Whether it asks for a push and names nothing to push: daemons then do nothing, in silence. */
  boolean pushesNothing() {
    return Set.of("1", "t", "true")
            .contains(attributes.getOrDefault("push", "").toLowerCase(Locale.ROOT))
        && attributes.getOrDefault("name", "").isEmpty();
  }

  /** Where it comes to on this machine, if anywhere. */
  public sealed interface Target {
    /** The daemon keeps or pushes it. */
    record Nowhere() implements Target {}

    record Directory(Path path) implements Target {}

    record File(Path path) implements Target {}

    record StandardOutput() implements Target {}
  }
}
