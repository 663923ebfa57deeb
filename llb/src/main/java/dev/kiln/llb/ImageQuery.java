package dev.kiln.llb;

import dev.kiln.grpc.sourcepolicy.Policy;
import dev.kiln.model.Platform;
import java.util.List;
import java.util.Optional;

/**
 * Which image's configuration a frontend wants. Immutable.
 *
 * @param resolveMode {@code default}, {@code pull} or {@code local}; empty is the default
 * @param logName name of the vertex that shows it, empty for the default one
 * @param layout where the image lies when it is not in a registry
 */
public record ImageQuery(
    String ref,
    Optional<Platform> platform,
    String resolveMode,
    String logName,
    Optional<OciLayout> layout,
    List<Policy> policies) {
  public ImageQuery {
    policies = List.copyOf(policies);
  }

  public ImageQuery(String ref, Optional<Platform> platform, String resolveMode, String logName) {
    this(ref, platform, resolveMode, logName, Optional.empty(), List.of());
  }

  /** A content store that a session lends. */
  public record OciLayout(String sessionId, String storeId) {}
}
