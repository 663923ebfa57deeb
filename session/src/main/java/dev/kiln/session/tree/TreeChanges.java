package dev.kiln.session.tree;

import dev.kiln.sys.BytePath;
import java.security.MessageDigest;

/**
 * Told what a transfer changes, so that content hashes follow without reading a file again. Calls
 * come from several threads at once; {@link #removed} of a path always before its {@link #changed}.
 * What stays as it is, is not mentioned.
 */
public interface TreeChanges {
  /**
   * A digest for one new or changed entry, already fed with what goes before its content. A regular
   * file's bytes are added while it is written; others (hard links too) have none.
   */
  MessageDigest hasher(TreeEntry entry);

  /**
   * The entry is on disk with all its metadata, but for the times of directories.
   *
   * @param hash what {@link #hasher}'s digest came to
   */
  void changed(TreeEntry entry, byte[] hash);

  /** The path and all below it are gone. */
  void removed(BytePath path);
}
