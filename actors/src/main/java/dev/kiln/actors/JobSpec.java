package dev.kiln.actors;

import dev.kiln.llb.BuildRules;
import io.opentelemetry.context.Context;

/**
 * A job to open.
 *
 * @param id the client's name of the build
 * @param sessionId the session that serves it, empty for none
 * @param rules what the build may do; holds for graphs that its ops solve
 * @param parent the context whose span the build's spans belong to
 */
public record JobSpec(String id, String sessionId, BuildRules rules, Context parent) {}
