package dev.kiln.cli;

import java.nio.file.Path;
import java.util.Map;

/**
 * What shall come of a build. Immutable.
 *
 * @param attributes those for the daemon's exporter
 */
public record Output(String type, Map<String, String> attributes, Target target) {
  public Output {
    attributes = Map.copyOf(attributes);
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
