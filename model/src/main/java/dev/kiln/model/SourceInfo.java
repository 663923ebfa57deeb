package dev.kiln.model;

/**
 * A source text that a build came from, such as a Dockerfile. {@code definition} is the marshalled
 * LLB definition from which it was read, empty where there is none. Immutable (the arrays are never
 * written to).
 */
public record SourceInfo(String filename, byte[] data, byte[] definition, String language) {}
