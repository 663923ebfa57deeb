package dev.kiln.actors;

import io.opentelemetry.context.Context;

/**
 * A job to open.
 *
 * @param id the client's name of the build
 * @param sessionId the session that serves it, empty for none
 * @param parent the context whose span the build's spans belong to
 */
public record JobSpec(String id, String sessionId, Context parent) {}
