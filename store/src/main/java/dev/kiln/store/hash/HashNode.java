package dev.kiln.store.hash;

import dev.kiln.store.snapshot.MergedTree;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One entry of a {@link HashTree}, guarded by the tree. Names are Latin-1 images of bytes. */
final class HashNode {
  /** What counts is only whether something can be followed or entered. */
  enum Kind {
    FILE,
    SYMLINK,
    DIRECTORY
  }

  final Kind kind;

  /** Target of a symlink, else empty. */
  final String link;

  /** Of header and bytes; of a directory, of its header alone. */
  @Nullable String digest;

  /** Of a directory with all below it. */
  @Nullable String treeDigest;

  /** Of a directory; null while it was not listed. */
  @Nullable TreeMap<String, HashNode> children;

  /** Where it is on disk, while that is of use. */
  MergedTree.@Nullable Node disk;

  HashNode(Kind kind, String link) {
    this.kind = kind;
    this.link = link;
  }

  boolean isDirectory() {
    return kind == Kind.DIRECTORY;
  }

  void write(DataOutputStream to) throws IOException {
    to.writeByte(kind.ordinal());
    to.writeUTF(link);
    writeDigest(to, digest);
    if (isDirectory()) {
      writeDigest(to, treeDigest);
      to.writeInt(children == null ? -1 : children.size());
      if (children != null) {
        for (Map.Entry<String, HashNode> child : children.entrySet()) {
          to.writeUTF(child.getKey());
          child.getValue().write(to);
        }
      }
    }
  }

  static HashNode read(DataInputStream from) throws IOException {
    var node = new HashNode(Kind.values()[from.readByte()], from.readUTF());
    node.digest = readDigest(from);
    if (node.isDirectory()) {
      node.treeDigest = readDigest(from);
      int count = from.readInt();
      if (count >= 0) {
        var children = new TreeMap<String, HashNode>();
        for (int i = 0; i < count; i++) {
          String name = from.readUTF();
          children.put(name, read(from));
        }
        node.children = children;
      }
    }
    return node;
  }

  private static void writeDigest(DataOutputStream to, @Nullable String digest) throws IOException {
    to.writeBoolean(digest != null);
    if (digest != null) {
      to.write(HexFormat.of().parseHex(digest, "sha256:".length(), digest.length()));
    }
  }

  private static @Nullable String readDigest(DataInputStream from) throws IOException {
    return from.readBoolean() ? "sha256:" + HexFormat.of().formatHex(from.readNBytes(32)) : null;
  }
}
