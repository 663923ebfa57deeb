package dev.kiln.actors;

/**
 * How the pool of steps stands. Immutable.
 *
 * @param slots steps that may run at once
 * @param running steps that have a slot
 * @param waiting steps that wait for one
 * @param beside calls under way that need none: keys, loads, builds within steps, containers
 */
public record StepFigures(int slots, int running, int waiting, int beside) {}
