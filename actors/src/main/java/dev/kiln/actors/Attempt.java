package dev.kiln.actors;

/**
 * One try at a call of a vertex's op. Equal to no other of its process, so that the late end of a
 * cancelled try is known by it.
 *
 * @param vertex the number of the vertex's actor, which no other one ever has
 * @param number counts the tries of that vertex
 */
record Attempt(long vertex, long number) {}
