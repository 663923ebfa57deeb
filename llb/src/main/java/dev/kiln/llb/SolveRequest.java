package dev.kiln.llb;

import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.sourcepolicy.Policy;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A definition to solve, or a frontend to run (exactly one). Immutable.
 *
 * @param frontend name of a frontend, empty where {@code definition} is given
 * @param opts the frontend's options
 * @param inputs definitions for the frontend by name
 * @param evaluate build the result before the answer
 * @param policies rules for sources, beside the build's own
 */
public record SolveRequest(
    Optional<Definition> definition,
    String frontend,
    Map<String, String> opts,
    Map<String, Definition> inputs,
    List<CacheImport> cacheImports,
    boolean evaluate,
    List<Policy> policies) {
  public SolveRequest {
    opts = Map.copyOf(opts);
    inputs = Map.copyOf(inputs);
    cacheImports = List.copyOf(cacheImports);
    policies = List.copyOf(policies);
  }

  /** Solves a definition, lazily. */
  public static SolveRequest of(Definition definition) {
    return new SolveRequest(
        Optional.of(definition), "", Map.of(), Map.of(), List.of(), false, List.of());
  }

  public SolveRequest evaluated() {
    return new SolveRequest(definition, frontend, opts, inputs, cacheImports, true, policies);
  }

  public SolveRequest withCacheImports(List<CacheImport> imports) {
    return new SolveRequest(definition, frontend, opts, inputs, imports, evaluate, policies);
  }
}
