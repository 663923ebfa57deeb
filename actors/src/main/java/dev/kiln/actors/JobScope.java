package dev.kiln.actors;

import dev.kiln.llb.BuildRules;

/**
 * What vertices know of a job: where its events go, whose session serves it, what it may do. Any
 * thread.
 */
record JobScope(
    String id, String sessionId, BuildRules rules, ProgressLog progress, JobTrace trace) {}
