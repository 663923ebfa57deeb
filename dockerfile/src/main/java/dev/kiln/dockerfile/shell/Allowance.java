package dev.kiln.dockerfile.shell;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;

/**
 * How much text variables may still stand for: a few lines that each name the one before twice
 * would fill any memory. Shared by all that one conversion expands; one thread.
 */
public final class Allowance {
  /** For one Dockerfile and platform; a command's variables together hold 2 MiB on Linux. */
  private static final int CHARACTERS = 1 << 24;

  private int left = CHARACTERS;

  /**
   * @throws BuildException {@code INVALID} where {@code characters} more are too many
   */
  void take(long characters) {
    if (characters > left) {
      throw new BuildException(
          Kind.INVALID,
          "variables stand for more than "
              + CHARACTERS
              + " characters in this file: use fewer or shorter ones");
    }
    left -= (int) characters;
  }
}
