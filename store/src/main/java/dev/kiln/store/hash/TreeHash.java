package dev.kiln.store.hash;

import dev.kiln.model.Digest;

/**
 * The checksums of one tree: of each entry, and of directories with all below them. Whoever writes
 * the tree tells each entry that it has put or deleted, with the digest that {@link
 * EntryHeader#begin} and the file's bytes gave; what was never told is read from disk when it is
 * asked for. Any thread.
 */
public interface TreeHash {
  /**
   * An entry was written.
   *
   * @param path within the tree, with or without a leading slash
   * @param digest of header and bytes
   */
  void put(String path, EntryHeader header, Digest digest);

  /** A hard link to {@code target} was made: it has its digest, which may be told later. */
  void putHardLink(String path, String target);

  /** An entry and everything below it was removed. */
  void delete(String path);
}
