package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.graph.State;
import dev.kiln.dockerfile.image.ImageConfig;
import dev.kiln.model.Platform;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * What a Dockerfile became. The configurations belong to the receiver.
 *
 * @param platform of ops that name none
 * @param baseImage the configuration of the target's base image
 * @param scanned further file systems whose content is to be listed, by name
 * @param ignoreCache the listing is to be made anew, as the stages are
 */
public record Converted(
    State state,
    Platform platform,
    ImageConfig image,
    Optional<ImageConfig> baseImage,
    SortedMap<String, State> scanned,
    boolean ignoreCache,
    TargetOutline outline) {

  /** What the target can be given. Lists are in the order of the file. */
  public record TargetOutline(
      String name,
      String comment,
      List<Outline.Argument> arguments,
      List<Named> secrets,
      List<Named> agents) {
    public TargetOutline {
      arguments = List.copyOf(arguments);
      secrets = List.copyOf(secrets);
      agents = List.copyOf(agents);
    }
  }

  /** A secret or an agent with its id. */
  public record Named(String id, Outline.Need need) {}
}
