package dev.kiln.actors;

import dev.kiln.model.BuildException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What an {@link OpCall} came to. Data. */
sealed interface OpEnd {
  record Mapped(CacheMap map) implements OpEnd {}

  /** Absent where the input has no key by content. */
  record Keyed(Optional<CacheKey> key) implements OpEnd {}

  /**
   * A record's result; absent is the empty file system.
   *
   * @param earlier results of steps before this one that came along
   */
  record Loaded(Optional<ResultId> result, List<Earlier> earlier, Instant started, Instant ended)
      implements OpEnd {}

  /** The result of a key of an input. */
  record Earlier(CacheKey key, ResultId result, Instant createdAt) {}

  /** The outputs in their order. */
  record Ran(List<Optional<ResultId>> outputs, Instant started, Instant ended) implements OpEnd {}

  /** The call failed, or was cancelled; as the op's waiters are to see it. */
  record Failed(BuildException cause) implements OpEnd {}
}
