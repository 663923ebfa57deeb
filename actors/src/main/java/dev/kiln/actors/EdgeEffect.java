package dev.kiln.actors;

import dev.kiln.actors.CacheTable.KeyRef;
import dev.kiln.actors.EdgeState.Candidate;
import dev.kiln.model.KeyDigest;
import java.util.List;

/** What an edge wants done; its {@link VertexActor} does it. Data. */
sealed interface EdgeEffect {
  record FetchMap(int index) implements EdgeEffect {}

  record StopMap() implements EdgeEffect {}

  /** Asks an input for this level instead of what was asked before. */
  record Want(int input, Level level) implements EdgeEffect {}

  record Release(int input) implements EdgeEffect {}

  record FetchContent(int input) implements EdgeEffect {}

  record StopContent(int input) implements EdgeEffect {}

  /** Asks the caches for {@link Probed}: at once, from memory. */
  record Probe(int input, List<CacheKey.Dep> keys, KeyDigest digest) implements EdgeEffect {}

  /** Asks the caches for {@link RootProbed}. */
  record ProbeRoot(KeyDigest digest) implements EdgeEffect {}

  /** Asks the caches for {@link Identified}. */
  record Identify(List<KeyRef> refs, KeyDigest digest, List<List<CacheKey.Dep>> deps)
      implements EdgeEffect {}

  record AskClaim() implements EdgeEffect {}

  record Load(Candidate candidate) implements EdgeEffect {}

  record Run() implements EdgeEffect {}

  record StopWork() implements EdgeEffect {}

  /** Level, keys or result are new. */
  record Announce() implements EdgeEffect {}
}
