package dev.kiln.actors;

import dev.kiln.actors.CacheTable.KeyRef;
import dev.kiln.actors.EdgeState.Done;
import dev.kiln.model.BuildException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** What an edge hears, of which {@link Edges} decides. Data. */
sealed interface EdgeEvent {
  record Wanted(Level level) implements EdgeEvent {}

  record MapReady(CacheMap map) implements EdgeEvent {}

  record MapStopped() implements EdgeEvent {}

  record InputAt(int input, Level level, List<CacheKey> keys, Optional<Done> done)
      implements EdgeEvent {}

  /** The input is another edge from now on: what was asked must be asked there. */
  record InputMoved(int input) implements EdgeEvent {}

  record ContentReady(int input, Optional<CacheKey> key) implements EdgeEvent {}

  record ContentStopped(int input) implements EdgeEvent {}

  /** What caches say: keys of this edge that the keys of an input lead to. */
  record Probed(int input, Collection<KeyRef> refs) implements EdgeEvent {}

  /** What caches say: the key without inputs, where one of them knows it. */
  record RootProbed(Optional<CacheKey> key) implements EdgeEvent {}

  /** What caches say: the keys that all inputs lead to, with their records. */
  record Identified(List<CacheKey> keys) implements EdgeEvent {}

  record ClaimGranted() implements EdgeEvent {}

  record Completed(Done done) implements EdgeEvent {}

  record LoadFailed(CacheKey.Found found) implements EdgeEvent {}

  record WorkStopped() implements EdgeEvent {}

  /** Something that the edge cannot do without failed. */
  record Failed(BuildException cause) implements EdgeEvent {}
}
