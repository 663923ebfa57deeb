package dev.kiln.store.hash;

import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.store.ContentQuery;
import dev.kiln.store.snapshot.LayerFormat;
import dev.kiln.store.snapshot.MergedTree;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.Xattrs;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The checksums of one tree, computed as far as they were asked for. A directory's is over its
 * header and the names and checksums of what is in it, in byte order; entries are looked up through
 * symlinks inside the tree. Facts: BuildKit v0.22 {@code cache/contenthash/checksum.go}. Any
 * thread: one lock a tree, held while files are read.
 */
public final class HashTree implements TreeHash {
  private static final int VERSION = 1;
  private static final int MAX_LINKS = 255;
  private static final String EMPTY = Digest.of(new byte[0]).value();

  private HashNode root;
  private boolean changed;
  private final Map<String, List<String>> awaited = new HashMap<>();

  private HashTree(HashNode root) {
    this.root = root;
  }

  /** A tree of which nothing is known but what is on disk. */
  public static HashTree unknown() {
    return new HashTree(new HashNode(HashNode.Kind.DIRECTORY, ""));
  }

  /**
   * A tree whose writer tells of its entries. Its root's own header counts as nothing, because no
   * writer tells of it.
   *
   * @param empty whether it holds nothing now, so that all there will be is told
   */
  public static HashTree told(boolean empty) {
    var tree = unknown();
    tree.root.digest = EMPTY;
    if (empty) {
      tree.root.children = new TreeMap<>();
    }
    return tree;
  }

  // --- told by a writer --------------------------------------------------------------------------

  @Override
  public synchronized void put(String path, EntryHeader header, Digest digest) {
    HashNode.Kind kind =
        switch (header.mode() & Stat.S_IFMT) {
          case Stat.S_IFDIR -> HashNode.Kind.DIRECTORY;
          case Stat.S_IFLNK -> HashNode.Kind.SYMLINK;
          default -> HashNode.Kind.FILE;
        };
    String link = kind == HashNode.Kind.SYMLINK ? BytePath.of(header.linkname()).latin1() : "";
    var node = new HashNode(kind, link);
    node.digest = digest.value();
    String key = key(path);
    insert(key, node);
    if (kind == HashNode.Kind.FILE) {
      List<String> links = awaited.remove(key);
      if (links != null) {
        for (String other : links) {
          insert(other, copy(node));
        }
      }
    }
  }

  @Override
  public synchronized void putHardLink(String path, String target) {
    HashNode there = lookup(key(target));
    var node = new HashNode(HashNode.Kind.FILE, "");
    if (there != null) {
      node.digest = there.digest;
    }
    insert(key(path), node);
    awaited.computeIfAbsent(key(target), k -> new ArrayList<>()).add(key(path));
  }

  private static HashNode copy(HashNode node) {
    var copy = new HashNode(node.kind, node.link);
    copy.digest = node.digest;
    return copy;
  }

  @Override
  public synchronized void delete(String path) {
    String key = key(path);
    HashNode parent = parentOf(key);
    if (parent != null && parent.children != null) {
      parent.children.remove(name(key));
    }
  }

  private void insert(String key, HashNode node) {
    HashNode parent = parentOf(key);
    if (parent == null || parent.children == null) {
      return; // nothing is known there: it will be read from disk when it is asked for
    }
    HashNode before = parent.children.get(name(key));
    if (node.isDirectory()) {
      node.children = before != null && before.isDirectory() ? before.children : new TreeMap<>();
    }
    parent.children.put(name(key), node);
  }

  /** The directory that holds {@code key}; what is known of those above it becomes stale. */
  private @Nullable HashNode parentOf(String key) {
    changed = true;
    HashNode at = root;
    at.treeDigest = null;
    String[] parts = key.split("/");
    for (int i = 0; i < parts.length - 1; i++) {
      if (at.children == null) {
        return null;
      }
      HashNode next = at.children.get(parts[i]);
      if (next == null || !next.isDirectory()) {
        return null;
      }
      next.treeDigest = null;
      at = next;
    }
    return at;
  }

  private @Nullable HashNode lookup(String key) {
    HashNode at = root;
    for (String part : key.split("/")) {
      if (at.children == null) {
        return null;
      }
      at = at.children.get(part);
      if (at == null) {
        return null;
      }
    }
    return at;
  }

  private static String name(String key) {
    return key.substring(key.lastIndexOf('/') + 1);
  }

  /** Cleaned, without slashes around; empty for the root. Latin-1 of the bytes. */
  static String key(String path) {
    return join("", BytePath.of(path).latin1());
  }

  /** {@code base/path} with {@code .} and {@code ..} resolved by the letter, inside the root. */
  private static String join(String base, String path) {
    var parts = new ArrayList<String>();
    for (String part : (base + "/" + path).split("/")) {
      if (part.equals("..")) {
        if (!parts.isEmpty()) {
          parts.removeLast();
        }
      } else if (!part.isEmpty() && !part.equals(".")) {
        parts.add(part);
      }
    }
    return String.join("/", parts);
  }

  // --- asked for ---------------------------------------------------------------------------------

  /** The checksum that the query asks for; {@code disk} is read where nothing is known yet. */
  public synchronized Digest checksum(ContentQuery query, MergedTree disk) throws IOException {
    boolean simple = !query.wildcard() && query.includes().isEmpty() && query.excludes().isEmpty();
    return simple
        ? whole(key(query.path()), query.followLinks(), disk)
        : new IncludedPaths(this, disk, query).checksum();
  }

  /** The checksum of everything at a path. */
  Digest whole(String key, boolean followTrailing, MergedTree disk) throws IOException {
    Found found = resolve(key, followTrailing, disk);
    if (found.node() == null) {
      String shown = BytePath.ofLatin1("/" + key).toString();
      throw new BuildException(Kind.UNKNOWN, "\"" + shown + "\": not found");
    }
    return new Digest(treeDigest(found.key(), found.node(), disk));
  }

  /**
   * Where a path leads.
   *
   * @param node null where nothing is there
   */
  record Found(String key, @Nullable HashNode node) {}

  Found resolve(String key, boolean followTrailing, MergedTree disk) throws IOException {
    String at = "";
    String rest = key;
    HashNode node = root;
    int links = 0;
    while (!rest.isEmpty()) {
      int slash = rest.indexOf('/');
      String part = slash < 0 ? rest : rest.substring(0, slash);
      rest = slash < 0 ? "" : rest.substring(slash + 1);
      String next = join(at, part);
      node = get(next, disk);
      boolean stop = rest.isEmpty() && !followTrailing;
      if (node == null || node.kind != HashNode.Kind.SYMLINK || stop) {
        at = next;
        continue;
      }
      if (++links > MAX_LINKS) {
        throw new BuildException(Kind.UNKNOWN, "too many links");
      }
      rest = node.link + (rest.isEmpty() ? "" : "/" + rest);
      if (node.link.startsWith("/")) {
        at = "";
      }
      node = get(at, disk);
    }
    return new Found(at, node);
  }

  private @Nullable HashNode get(String key, MergedTree disk) throws IOException {
    HashNode at = root;
    if (key.isEmpty()) {
      return at;
    }
    var path = new StringBuilder();
    for (String part : key.split("/")) {
      if (!at.isDirectory()) {
        return null;
      }
      HashNode next = children(path.toString(), at, disk).get(part);
      if (next == null) {
        return null;
      }
      path.append(path.isEmpty() ? "" : "/").append(part);
      at = next;
    }
    return at;
  }

  TreeMap<String, HashNode> children(String key, HashNode directory, MergedTree disk)
      throws IOException {
    if (directory.children == null) {
      var listed = new TreeMap<String, HashNode>();
      MergedTree.Node here = onDisk(key, directory, disk);
      for (MergedTree.Node child : disk.children(here)) {
        Stat stat = child.stat();
        var kind =
            stat.isDirectory()
                ? HashNode.Kind.DIRECTORY
                : stat.isSymlink() ? HashNode.Kind.SYMLINK : HashNode.Kind.FILE;
        String link =
            kind == HashNode.Kind.SYMLINK ? Fd.CWD.readlink(disk.backing(child)).latin1() : "";
        var node = new HashNode(kind, link);
        node.disk = child;
        listed.put(child.path().name().latin1(), node);
      }
      directory.children = listed;
      changed = true;
    }
    return directory.children;
  }

  private static MergedTree.Node onDisk(String key, HashNode node, MergedTree disk)
      throws IOException {
    if (node.disk != null) {
      return node.disk;
    }
    var found = key.isEmpty() ? disk.root() : disk.find(BytePath.ofLatin1(key));
    return found.orElseThrow(() -> new java.nio.file.NoSuchFileException(key));
  }

  /** The digest of an entry's own header and bytes. */
  String digest(String key, HashNode node, MergedTree disk) throws IOException {
    String known = node.digest;
    if (known == null) {
      MergedTree.Node here = onDisk(key, node, disk);
      known = read(here, disk.backing(here));
      node.digest = known;
      changed = true;
      if (!node.isDirectory()) {
        node.disk = null;
      }
    }
    return known;
  }

  private static String read(MergedTree.Node node, BytePath file) throws IOException {
    Stat stat = node.stat();
    var xattrs = new TreeMap<String, byte[]>();
    for (String name : Xattrs.list(file)) {
      if (!LayerFormat.isInternal(name)) {
        Xattrs.get(file, name).ifPresent(value -> xattrs.put(name, value));
      }
    }
    String link = stat.isSymlink() ? Fd.CWD.readlink(file).latin1() : "";
    // device numbers do not count here: what the reference reads of them is always 0
    var header =
        new EntryHeader(
            stat.isSymlink() ? stat.mode() | 0777 : stat.mode(),
            stat.uid(),
            stat.gid(),
            stat.sizeBytes(),
            link,
            0,
            0,
            xattrs);
    MessageDigest hash = header.beginLatin1();
    if (stat.isRegular() && stat.sizeBytes() > 0) {
      byte[] buffer = new byte[(int) Math.min(1 << 17, Math.max(4096, stat.sizeBytes()))];
      try (Fd fd = BuiltFiles.open(Fd.CWD, file, stat)) {
        for (int n; (n = fd.read(buffer, 0, buffer.length)) > 0; ) {
          if (Thread.currentThread().isInterrupted()) { // a file may seem to have exabytes
            throw new ClosedByInterruptException();
          }
          hash.update(buffer, 0, n);
        }
      }
    }
    return Digest.ofHash(hash.digest()).value();
  }

  /** A directory whose entries are being hashed. */
  private static final class Hashing {
    final String key;
    final HashNode node;
    final Iterator<Map.Entry<String, HashNode>> rest;
    final MessageDigest hash = Digest.sha256();

    Hashing(String key, HashNode node, String own, Map<String, HashNode> children) {
      this.key = key;
      this.node = node;
      this.rest = children.entrySet().iterator();
      hash.update((byte) 0);
      hash.update(ascii(own));
    }

    void add(String name, String digest) {
      hash.update((byte) 0);
      hash.update(latin1(name));
      hash.update(ascii(digest));
    }
  }

  /** The digest of an entry with everything below it; symlinks below are not followed. */
  String treeDigest(String key, HashNode node, MergedTree disk) throws IOException {
    Optional<String> known = knownDigest(key, node, disk);
    if (known.isPresent()) {
      return known.get();
    }
    var way = new ArrayDeque<Hashing>(); // innermost first: depth is a tree's to choose
    way.push(begin(key, node, disk));
    while (true) {
      Hashing at = way.element();
      if (at.rest.hasNext()) {
        var child = at.rest.next();
        String path = at.key.isEmpty() ? child.getKey() : at.key + "/" + child.getKey();
        Optional<String> digest = knownDigest(path, child.getValue(), disk);
        if (digest.isPresent()) {
          at.add(child.getKey(), digest.get());
        } else {
          way.push(begin(path, child.getValue(), disk));
        }
        continue;
      }
      way.pop();
      String digest = Digest.ofHash(at.hash.digest()).value();
      at.node.treeDigest = digest;
      at.node.disk = null;
      changed = true;
      if (way.isEmpty()) {
        return digest;
      }
      way.element().add(name(at.key), digest);
    }
  }

  /** Empty for a directory that was not hashed yet. */
  private Optional<String> knownDigest(String key, HashNode node, MergedTree disk)
      throws IOException {
    return node.isDirectory()
        ? Optional.ofNullable(node.treeDigest)
        : Optional.of(digest(key, node, disk));
  }

  private Hashing begin(String key, HashNode node, MergedTree disk) throws IOException {
    return new Hashing(key, node, digest(key, node, disk), children(key, node, disk));
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  HashNode root() {
    return root;
  }

  // --- kept
  // ----------------------------------------------------------------------------------------

  /** Whether more is known than when it was last written. */
  public synchronized boolean isChanged() {
    return changed;
  }

  public synchronized void write(DataOutputStream to) throws IOException {
    to.writeInt(VERSION);
    root.write(to);
    changed = false;
  }

  public static HashTree read(DataInputStream from) throws IOException {
    if (from.readInt() != VERSION) {
      throw new IOException("checksums of another version");
    }
    return new HashTree(HashNode.read(from));
  }
}
