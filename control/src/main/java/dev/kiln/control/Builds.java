package dev.kiln.control;

import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import io.opentelemetry.context.Context;

/** Runs builds. */
public interface Builds {
  /** Blocks until the build is done, with its exports; an interrupt cancels it. */
  SolveResponse solve(SolveRequest request, Context caller) throws Exception;
}
