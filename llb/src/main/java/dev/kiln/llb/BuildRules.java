package dev.kiln.llb;

import dev.kiln.grpc.sourcepolicy.Policy;
import java.util.ArrayList;
import java.util.List;

/**
 * What a build may do: the rights that it was granted, and its policies on sources. They hold for
 * every definition that is solved on its behalf, also for one that a build op finds in a file.
 * Immutable.
 *
 * @param policies all of them must allow a source
 */
public record BuildRules(Entitlements entitlements, List<Policy> policies) {
  public static final BuildRules NONE = new BuildRules(Entitlements.NONE, List.of());

  public BuildRules {
    policies = List.copyOf(policies);
  }

  /**
   * The rules for work that two builds share: what one of them was granted is done for that one,
   * and a source must be allowed by both. Source: BuildKit v0.22 {@code
   * solver/llbsolver/solver.go}, which gathers both from all jobs of a vertex.
   */
  public BuildRules with(BuildRules other) {
    var all = new ArrayList<>(policies);
    other.policies.stream().filter(policy -> !all.contains(policy)).forEach(all::add);
    return new BuildRules(entitlements.or(other.entitlements), all);
  }
}
