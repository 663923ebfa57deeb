package dev.kiln.dockerfile.shell;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;

/**
 * How much more text a file may become: a few lines that each name the one before twice, or all
 * that was set before, would fill any memory. Shared within one conversion; one thread.
 */
public final class Allowance {
  private final String what;
  private final int characters;
  private int left;

  private Allowance(String what, int characters) {
    this.what = what;
    this.characters = characters;
    this.left = characters;
  }

  /** What the variables of one file stand for; a command's together hold 2 MiB on Linux. */
  public static Allowance ofVariables() {
    return new Allowance("variables stand for", 1 << 24);
  }

  /** The history of all stages: each command is told there with the arguments of its stage. */
  public static Allowance ofHistory() {
    return new Allowance("the history of images has", 1 << 26);
  }

  /**
   * @throws BuildException {@code INVALID} where {@code wanted} characters more are too many
   */
  public void take(long wanted) {
    if (wanted > left) {
      throw new BuildException(
          Kind.INVALID,
          what
              + " more than "
              + characters
              + " characters in this file: use fewer or shorter ones");
    }
    left -= (int) wanted;
  }
}
