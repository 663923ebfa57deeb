package dev.kiln.dockerfile.syntax;

import dev.kiln.model.SourceRange;
import java.util.List;

/**
 * A parsed Dockerfile. Immutable.
 *
 * @param escape the character that continues lines and escapes others
 * @param emptyContinuations the places where an empty line stands inside an instruction
 */
public record DockerfileText(
    List<Statement> statements, char escape, List<SourceRange> emptyContinuations) {
  public DockerfileText {
    statements = List.copyOf(statements);
    emptyContinuations = List.copyOf(emptyContinuations);
  }
}
