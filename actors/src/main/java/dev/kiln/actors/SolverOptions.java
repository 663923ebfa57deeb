package dev.kiln.actors;

import java.nio.file.Path;
import java.util.OptionalInt;

/**
 * @param maxParallelism most ops that run at once; absent is without limit
 * @param progressFolder an existing folder for the logs of live jobs
 */
public record SolverOptions(OptionalInt maxParallelism, Path progressFolder, LogLimits logLimits) {}
