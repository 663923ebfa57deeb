package dev.kiln.actors;

import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * Keeps the local cache's key graph over restarts. The solver reads all of it once and then answers
 * from memory; it writes changes in the order in which it made them.
 *
 * <p>Key ids are opaque texts of at most 128 characters, equal for equal keys.
 */
public interface CacheStore {
  /** Everything that was acknowledged. Blocks; called once, before the first {@link #write}. */
  Contents read();

  /**
   * Adds changes after all earlier ones. Does not block; done when a crash of the daemon can no
   * longer lose them, which also holds for everything written before. Adding what is there is
   * nothing.
   */
  CompletionStage<Void> write(List<Change> changes);

  /** The whole key graph. */
  record Contents(List<AddLink> links, List<AddResult> results) {
    public static final Contents EMPTY = new Contents(List.of(), List.of());
  }

  /** One change of the key graph. */
  sealed interface Change {}

  /** The key {@code from} leads to the key {@code to}. */
  record AddLink(String from, CacheLink link, String to) implements Change {}

  /** The key has this result. */
  record AddResult(String key, CacheRecord record) implements Change {}

  /**
   * The result with this id is gone: so are its records, and the keys that then neither have a
   * record nor lead to a key that has one.
   */
  record DropResult(String recordId) implements Change {}
}
