package dev.kiln.model;

/**
 * A stretch of a source text. Lines count from 1, characters from 0; the end is included.
 * Immutable.
 */
public record SourceRange(int startLine, int startCharacter, int endLine, int endCharacter) {
  public static SourceRange lines(int start, int end) {
    return new SourceRange(start, 0, end, 0);
  }
}
