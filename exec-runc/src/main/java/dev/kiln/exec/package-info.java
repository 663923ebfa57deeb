/**
 * Runs one process in a container by runc. Start at {@link dev.kiln.exec.Executor}, the port that
 * the ops and the gateway use, and {@link dev.kiln.exec.RuncExecutor}, which does it.
 */
@NullMarked
package dev.kiln.exec;

import org.jspecify.annotations.NullMarked;
