package dev.kiln.store.hash;

import dev.kiln.store.snapshot.MergedTree;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.HexFormat;
import java.util.Iterator;
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

  /** Writes the entry and all below it: itself, then each child after its name. */
  void write(DataOutputStream to) throws IOException {
    writeOwn(to);
    var way = new ArrayDeque<Iterator<Map.Entry<String, HashNode>>>();
    way.push(entries());
    while (!way.isEmpty()) {
      if (!way.element().hasNext()) {
        way.pop();
        continue;
      }
      var child = way.element().next();
      to.writeUTF(child.getKey());
      child.getValue().writeOwn(to);
      way.push(child.getValue().entries());
    }
  }

  private Iterator<Map.Entry<String, HashNode>> entries() {
    return children == null ? Collections.emptyIterator() : children.entrySet().iterator();
  }

  private void writeOwn(DataOutputStream to) throws IOException {
    to.writeByte(kind.ordinal());
    to.writeUTF(link);
    writeDigest(to, digest);
    if (isDirectory()) {
      writeDigest(to, treeDigest);
      to.writeInt(children == null ? -1 : children.size());
    }
  }

  /** A directory whose children are being read. */
  private static final class Filling {
    final Map<String, HashNode> children;
    int left;

    Filling(Map<String, HashNode> children, int left) {
      this.children = children;
      this.left = left;
    }
  }

  static HashNode read(DataInputStream from) throws IOException {
    var way = new ArrayDeque<Filling>();
    HashNode root = readOwn(from, way);
    while (!way.isEmpty()) {
      Filling at = way.element();
      if (at.left-- == 0) {
        way.pop();
        continue;
      }
      String name = from.readUTF();
      at.children.put(name, readOwn(from, way));
    }
    return root;
  }

  private static HashNode readOwn(DataInputStream from, Deque<Filling> way) throws IOException {
    int kind = from.readUnsignedByte();
    if (kind >= Kind.values().length) {
      throw new IOException("no kind of entry: " + kind);
    }
    var node = new HashNode(Kind.values()[kind], from.readUTF());
    node.digest = readDigest(from);
    if (node.isDirectory()) {
      node.treeDigest = readDigest(from);
      int count = from.readInt();
      if (count >= 0) {
        var children = new TreeMap<String, HashNode>();
        node.children = children;
        way.push(new Filling(children, count));
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
