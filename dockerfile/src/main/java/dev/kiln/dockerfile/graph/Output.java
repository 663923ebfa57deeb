package dev.kiln.dockerfile.graph;

import java.util.Optional;
import java.util.function.Supplier;

/** A file system that a node makes. */
public sealed interface Output {
  /** The node's output; empty if it turns out to be the empty file system. */
  Optional<Made> made();

  /** Output {@code index} of {@code node}. Immutable. */
  record Made(Node node, int index) implements Output {
    @Override
    public Optional<Made> made() {
      return Optional.of(this);
    }
  }

  /**
   * An output that is settled only when the definition is written, because what comes after decides
   * it: which files of the build context are wanted. Settled once; one thread.
   */
  final class Late implements Output {
    private final Supplier<Optional<Output>> source;
    private Optional<Optional<Made>> settled = Optional.empty();

    public Late(Supplier<Optional<Output>> source) {
      this.source = source;
    }

    @Override
    public Optional<Made> made() {
      if (settled.isEmpty()) {
        settled = Optional.of(source.get().flatMap(Output::made));
      }
      return settled.get();
    }
  }
}
