package dev.kiln.remotecache;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A store of named objects that a cache is kept in. Any thread; calls block. Failures are {@link
 * dev.kiln.model.BuildException}s.
 */
interface ObjectStore {
  /** An object that is there. */
  record Stored(Instant changedAt, long sizeBytes) {}

  /** Opens what is to be stored from its start; called once a try, the stream closed here. */
  @FunctionalInterface
  interface Opener {
    InputStream open() throws IOException, InterruptedException;
  }

  /**
   * How the cache is laid out there. Immutable.
   *
   * @param blobs prefix of a blob's name before its digest
   * @param manifests names of the cache's config: an export writes all
   * @param readsAll whether an import reads all, or the first alone
   * @param touchAfter blobs that were not changed for so long are marked as in use
   * @param parallel blobs that are sent at once
   */
  record Layout(
      String blobs, List<String> manifests, boolean readsAll, Duration touchAfter, int parallel) {
    /** Longer than any cache lives. */
    static final Duration NEVER = Duration.ofDays(36_500);

    public Layout {
      manifests = List.copyOf(manifests);
    }
  }

  Optional<Stored> find(String name) throws InterruptedException;

  /** Writes an object, or writes over it. */
  void put(String name, long sizeBytes, Opener from) throws IOException, InterruptedException;

  /** The object's bytes from {@code offset} on; empty where there is none. */
  Optional<InputStream> open(String name, long offset) throws InterruptedException;

  /** Makes the store believe that the object was changed just now. */
  void touch(String name, Stored object) throws InterruptedException;
}
