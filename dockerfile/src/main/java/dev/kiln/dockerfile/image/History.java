package dev.kiln.dockerfile.image;

/**
 * One line of an image's history. Absent texts are empty; {@code created} is as in RFC 3339.
 * Immutable.
 */
public record History(
    String created, String createdBy, String author, String comment, boolean emptyLayer) {}
