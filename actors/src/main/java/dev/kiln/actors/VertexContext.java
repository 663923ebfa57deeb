package dev.kiln.actors;

import dev.kiln.llb.BuildRules;
import dev.kiln.llb.Vertex;
import dev.kiln.model.StepProgress;
import java.util.List;
import java.util.Optional;

/**
 * The context of a vertex's own calls, or with another progress of those made for an input. Any
 * thread.
 */
record VertexContext(
    VertexScope scope, StepProgress progress, ResultLease lease, SubSolver subSolver)
    implements OpContext {
  @Override
  public Vertex vertex() {
    return scope.vertex();
  }

  @Override
  public List<String> sessionIds() {
    return scope.jobs().stream()
        .map(JobScope::sessionId)
        .filter(id -> !id.isEmpty())
        .distinct()
        .toList();
  }

  @Override
  public List<String> jobIds() {
    return scope.jobs().stream().map(JobScope::id).toList();
  }

  @Override
  public BuildRules rules() {
    return scope.jobs().stream()
        .map(JobScope::rules)
        .reduce(BuildRules::with)
        .orElse(BuildRules.NONE);
  }

  @Override
  public Optional<Object> option(String key) {
    return scope.option(key);
  }

  VertexContext reportingTo(StepProgress other) {
    return new VertexContext(scope, other, lease, subSolver);
  }
}
