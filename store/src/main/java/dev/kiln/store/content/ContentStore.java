package dev.kiln.store.content;

import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.SortedSet;
import java.util.function.Consumer;

/**
 * Blobs by digest. A blob is written under a temporary name and appears whole under its digest, or
 * not at all. Any thread; methods block on the disk.
 */
public interface ContentStore {
  /** One blob that is here. */
  record BlobInfo(Digest digest, long sizeBytes, Instant createdAt) {}

  Optional<BlobInfo> info(Digest digest);

  default boolean contains(Digest digest) {
    return info(digest).isPresent();
  }

  /**
   * The bytes; the caller closes it.
   *
   * @throws dev.kiln.model.BuildException {@code NOT_FOUND}
   */
  SeekableByteChannel open(Digest digest);

  /** The file that holds the blob, for calls that want a path; never written to. */
  Path path(Digest digest);

  /** The bytes of a small blob (manifest, config). */
  byte[] read(Digest digest);

  /** The bytes as a stream; the caller closes it. */
  InputStream stream(Digest digest);

  /**
   * Starts writing a blob. Writers of one key exclude each other: the second waits until the first
   * is closed, and should then look whether the blob is there.
   *
   * @param key usually the digest that is expected
   */
  BlobWriter writer(String key) throws InterruptedException;

  /** As {@link #writer}, but empty at once where another writer of the key is at work. */
  Optional<BlobWriter> tryWriter(String key);

  /** Writes a small blob, which may be there already. */
  Descriptor put(String mediaType, byte[] bytes);

  /** Removes a blob; one that is not there is fine. Readers that have it open keep it. */
  void delete(Digest digest);

  /**
   * Notes that a blob came from, or was sent to, {@code host/repository}; kept while the blob is
   * here. Nothing is noted of a blob that is not here.
   */
  void addSource(Digest digest, String repository);

  /** Where the blob can be had, {@code host/repository} each; empty for an unknown blob. */
  SortedSet<String> sources(Digest digest);

  /** Tells of each blob, in no order. */
  void walk(Consumer<BlobInfo> each);

  /** A blob under way. One thread at a time; who got it closes it. */
  interface BlobWriter extends AutoCloseable {
    void write(byte[] from, int offset, int length) throws IOException;

    default void write(byte[] all) throws IOException {
      write(all, 0, all.length);
    }

    /** So many bytes were written. */
    long offset();

    /** The digest of what was written so far. */
    Digest digest();

    /** Forgets what was written. */
    void reset() throws IOException;

    /**
     * Makes the blob visible and closes this.
     *
     * @param expectedSize in bytes, or -1 where it is not known
     * @throws dev.kiln.model.BuildException {@code INVALID} where size or digest is not as
     *     expected; nothing is kept then
     */
    BlobInfo commit(Optional<Digest> expected, long expectedSize);

    /** Drops what was not committed. Does nothing the second time. */
    @Override
    void close();
  }
}
