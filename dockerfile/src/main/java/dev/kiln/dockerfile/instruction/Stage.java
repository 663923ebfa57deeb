package dev.kiln.dockerfile.instruction;

import java.util.List;

/** A {@code FROM} and what follows it up to the next. Immutable. */
public record Stage(Instruction.From from, List<Instruction> instructions) {
  public Stage {
    instructions = List.copyOf(instructions);
  }
}
