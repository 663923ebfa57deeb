package dev.kiln.sources.local;

import dev.kiln.model.Digest;
import dev.kiln.session.tree.GoMode;
import dev.kiln.session.tree.TreeChanges;
import dev.kiln.session.tree.TreeEntry;
import dev.kiln.store.hash.EntryHeader;
import dev.kiln.store.hash.TreeHash;
import dev.kiln.sys.BytePath;
import java.security.MessageDigest;

/** Brings the checksums of a copy forward while its files arrive. Any thread. */
final class ContentHashes implements TreeChanges {
  private final TreeHash hashes;

  ContentHashes(TreeHash hashes) {
    this.hashes = hashes;
  }

  private static EntryHeader header(TreeEntry entry) {
    return new EntryHeader(
        GoMode.toUnix(entry.mode()),
        entry.uid(),
        entry.gid(),
        entry.sizeBytes(),
        entry.linkname().toString(),
        entry.devMajor(),
        entry.devMinor(),
        entry.xattrs());
  }

  @Override
  public MessageDigest hasher(TreeEntry entry) {
    return header(entry).begin();
  }

  @Override
  public void changed(TreeEntry entry, byte[] hash) {
    if (entry.isHardLink()) {
      hashes.putHardLink(entry.path().toString(), entry.linkname().toString());
    } else {
      hashes.put(entry.path().toString(), header(entry), Digest.ofHash(hash));
    }
  }

  @Override
  public void removed(BytePath path) {
    hashes.delete(path.toString());
  }
}
