package dev.kiln.session.tree;

import dev.kiln.sys.Fd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.Optional;

/**
 * The entries of a tree as a file: for each, four bytes of length in little endian, then the entry
 * as protobuf. One thread. Format: fsutil 2025-04-17, {@code receive.go}.
 */
final class MetadataList {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  void add(TreeEntry entry) throws IOException {
    byte[] encoded = PacketCodec.encode(entry);
    bytes.write(
        ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(encoded.length).array());
    bytes.write(encoded);
  }

  void write(TreeWriter writer, Optional<TreeChanges> changes) throws IOException {
    byte[] all = bytes.toByteArray();
    TreeEntry entry = TreeEntry.file(TreeReceiver.METADATA_FILE, 0644, all.length, 0);
    try (Fd file = writer.create(entry)) {
      file.write(all, 0, all.length);
      writer.finish(entry, file);
    }
    changes.ifPresent(c -> {
      MessageDigest hash = c.hasher(entry);
      hash.update(all);
      c.changed(entry, hash.digest());
    });
  }
}
