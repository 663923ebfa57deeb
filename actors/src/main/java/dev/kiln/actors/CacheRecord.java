package dev.kiln.actors;

import java.time.Instant;
import java.util.Optional;

/**
 * One result under a cache key. Immutable.
 *
 * @param id names the result within its cache: in the local one a {@link ResultId}, or {@code ""}
 *     for the empty file system
 */
public record CacheRecord(String id, Instant createdAt) {
  static CacheRecord of(Optional<ResultId> result, Instant createdAt) {
    return new CacheRecord(result.map(ResultId::value).orElse(""), createdAt);
  }

  /** The local result that this record names; absent is the empty file system. */
  public Optional<ResultId> result() {
    return id.isEmpty() ? Optional.empty() : Optional.of(new ResultId(id));
  }
}
