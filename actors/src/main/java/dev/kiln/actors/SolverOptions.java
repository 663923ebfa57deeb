package dev.kiln.actors;

import java.nio.file.Path;

/**
 * @param limits how many steps run at once
 * @param progressFolder an existing folder for the logs of live jobs
 */
public record SolverOptions(StepLimits limits, Path progressFolder, LogLimits logLimits) {}
