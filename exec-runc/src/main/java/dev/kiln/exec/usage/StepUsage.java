package dev.kiln.exec.usage;

import java.time.Instant;

/**
 * What a step used. Immutable.
 *
 * @param json {@code resourceUsage} of provenance
 */
public record StepUsage(String json, Instant ended) {}
