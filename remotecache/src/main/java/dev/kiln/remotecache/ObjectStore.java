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
  /**
   * An object that is there.
   *
   * @param sizeBytes 0 where the store does not tell, and touches nothing
   */
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
   * @param imported those that an import reads, where they are there
   * @param touchAfter blobs that were not changed for so long are marked as in use
   * @param parallel blobs that are sent at once
   */
  record Layout(
      String blobs,
      List<String> manifests,
      List<String> imported,
      Duration touchAfter,
      int parallel) {
    /** Longer than any cache lives. */
    static final Duration NEVER = Duration.ofDays(36_500);

    public Layout {
      manifests = List.copyOf(manifests);
      imported = List.copyOf(imported);
    }
  }

  Optional<Stored> find(String name) throws InterruptedException;

  /** Writes an object whose name says its content. */
  void put(String name, long sizeBytes, Opener from) throws IOException, InterruptedException;

  /** Writes an object that readers of the name see from now on, whatever they saw before. */
  default void replace(String name, byte[] bytes) throws IOException, InterruptedException {
    put(name, bytes.length, () -> ManifestTarget.stream(bytes));
  }

  /** The object's bytes from {@code offset} on; empty where there is none. */
  Optional<InputStream> open(String name, long offset) throws InterruptedException;

  /** Makes the store believe that the object was changed just now. */
  void touch(String name, Stored object) throws InterruptedException;

  /** Whether the store can still be asked; does not block. */
  default boolean isReachable() {
    return true;
  }
}
