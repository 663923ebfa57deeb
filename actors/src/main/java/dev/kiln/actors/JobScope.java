package dev.kiln.actors;

import io.opentelemetry.context.Context;

/** What vertices know of a job: where its events go, and whose session serves it. Any thread. */
record JobScope(String id, String sessionId, ProgressLog progress, Context span) {}
