package dev.kiln.llb;

import java.util.List;

/**
 * Changes files without a container, as a row of steps that take each other's states. Immutable.
 */
public record FileOp(List<Step> steps) implements Op {
  /** Stands for no input (an empty file system), or no output. */
  public static final int NONE = -1;

  public FileOp {
    steps = List.copyOf(steps);
  }

  /**
   * One action on the state {@code input}. An index below the number of the vertex's inputs is one
   * of them, a higher one the step {@code index - inputs}, and {@link #NONE} is empty.
   *
   * @param secondaryInput where a copy takes from
   * @param output number of the output that the new state becomes, or {@link #NONE}
   */
  public record Step(int input, int secondaryInput, int output, FileAction action) {}

  /** The number of outputs that some step writes. */
  public int outputCount() {
    return (int) steps.stream().filter(s -> s.output() >= 0).count();
  }
}
