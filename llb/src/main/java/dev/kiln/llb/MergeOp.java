package dev.kiln.llb;

import java.util.List;

/** Lays inputs over each other, the later ones above; each number is an index of an input. */
public record MergeOp(List<Integer> inputs) implements Op {
  public MergeOp {
    inputs = List.copyOf(inputs);
  }
}
