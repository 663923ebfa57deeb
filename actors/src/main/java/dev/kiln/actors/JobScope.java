package dev.kiln.actors;

/** What vertices know of a job: where its events go, and whose session serves it. Any thread. */
record JobScope(String id, String sessionId, ProgressLog progress, JobTrace trace) {}
