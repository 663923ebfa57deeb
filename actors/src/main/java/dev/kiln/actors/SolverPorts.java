package dev.kiln.actors;

import io.opentelemetry.api.trace.Tracer;

/**
 * What the solver needs of the daemon.
 *
 * @param results loads the local cache's records
 * @param codec the wire's form of progress events
 */
public record SolverPorts(
    OpRunners runners,
    CacheStore cache,
    ResultLoader results,
    ResultLeases leases,
    ProgressCodec codec,
    Tracer tracer) {}
