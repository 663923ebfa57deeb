package dev.kiln.actors;

import java.util.List;
import java.util.Optional;

/** One call of a vertex's op. Data: who makes the call finds the op by its vertex. */
sealed interface OpCall {
  /** Makes the op's cache map number {@code index}. */
  record Map(int index) implements OpCall {}

  /** Makes an input ready, and its key by content, as {@code dep} says. */
  record Content(int input, Optional<ResultId> result, CacheMap.Dep dep) implements OpCall {}

  /** Loads a record for one output in place of running the op. */
  record Load(int output, EdgeState.Candidate candidate) implements OpCall {}

  /** Runs the op on the results of its inputs. */
  record Run(List<Optional<ResultId>> inputs) implements OpCall {
    public Run {
      inputs = List.copyOf(inputs);
    }
  }
}
