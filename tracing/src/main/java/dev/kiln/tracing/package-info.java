/**
 * OpenTelemetry set-up, names and context helpers, and the one place where blocking work is
 * started: {@link dev.kiln.tracing.Blocking}.
 */
@NullMarked
package dev.kiln.tracing;

import org.jspecify.annotations.NullMarked;
