package dev.kiln.gateway;

import dev.kiln.grpc.sourcepolicy.Policy;
import dev.kiln.llb.SourceOp;
import dev.kiln.model.Platform;
import java.util.List;
import java.util.Optional;

/**
 * Which source a frontend wants to know more of. Immutable.
 *
 * @param resolveMode of images, as {@link dev.kiln.llb.ImageQuery} has it
 * @param logName name of the vertex that shows it, empty for the default one
 */
public record SourceQuery(
    SourceOp op,
    Optional<Platform> platform,
    String resolveMode,
    String logName,
    List<Policy> policies) {
  public SourceQuery {
    policies = List.copyOf(policies);
  }

  SourceQuery withPolicies(List<Policy> all) {
    return new SourceQuery(op, platform, resolveMode, logName, all);
  }
}
