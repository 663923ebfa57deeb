package dev.kiln.store.layer;

import dev.kiln.store.snapshot.LayerChanges;
import dev.kiln.store.snapshot.MergedTree;
import dev.kiln.store.snapshot.MergedTree.Node;
import dev.kiln.store.snapshot.TreeDiff;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Packs a layer directory as an OCI layer: sorted, deletions as {@code .wh.} files, hard links
 * kept. What equals what is below (copied up by the kernel and not changed, or written again) is
 * left out, as are deletions of what is not below; a directory is named when it is changed or
 * something in it is. Source: OCI image-spec, layer.md; of attributes {@code security.capability}
 * is packed, as containerd does ({@code archive/tar.go}). Equal layers give equal bytes. One
 * thread.
 */
public final class LayerPacker {
  private static final String CAPABILITY = "security.capability";

  private final BytePath layer;
  private final Optional<MergedTree> below;
  private final TarWriter to;
  private final OptionalLong clampSeconds;
  private final Map<Stat.Inode, BytePath> linked = new HashMap<>();
  private final byte[] buffer = new byte[1 << 17];

  private LayerPacker(
      Path layer, Optional<MergedTree> below, TarWriter to, OptionalLong clampSeconds) {
    this.layer = BytePath.of(layer);
    this.below = below;
    this.to = to;
    this.clampSeconds = clampSeconds;
  }

  /** A directory that is to be named before anything in it is. */
  private final class Dir {
    private final @Nullable Dir parent;
    private final BytePath path;
    private final Stat stat;
    private boolean packed;

    Dir(@Nullable Dir parent, BytePath path, Stat stat, boolean packed) {
      this.parent = parent;
      this.path = path;
      this.stat = stat;
      this.packed = packed;
    }

    void pack() throws IOException {
      var unpacked = new ArrayDeque<Dir>();
      for (Dir dir = this; dir != null && !dir.packed; dir = dir.parent) {
        unpacked.push(dir);
      }
      for (Dir dir : unpacked) {
        dir.packed = true;
        entry(TarEntry.of(dir.path, dir.stat, BytePath.EMPTY, capability(dir.path)));
      }
    }
  }

  /**
   * Packs a layer.
   *
   * @param below what the layer lies on; empty where that is not known (a difference), so that
   *     every deletion is packed
   * @param clampSeconds later times become this one
   */
  public static void pack(
      Path layer, Optional<MergedTree> below, TarWriter to, OptionalLong clampSeconds)
      throws IOException, InterruptedException {
    var packer = new LayerPacker(layer, below, to, clampSeconds);
    Stat root = Fd.CWD.stat(packer.layer);
    Optional<Node> lower = below.isPresent() ? below.get().root() : Optional.empty();
    packer.directory(packer.new Dir(null, BytePath.EMPTY, root, true), lower);
    to.close();
  }

  /** A directory under way, with what the tree below has in its place. */
  private record Packing(Dir dir, Optional<Node> lower, Iterator<Dirent> rest) {}

  private void directory(Dir first, Optional<Node> lower) throws IOException, InterruptedException {
    var way = new ArrayDeque<Packing>(); // innermost first: depth is a tree's to choose
    enter(first, lower, way);
    while (!way.isEmpty()) {
      if (way.element().rest.hasNext()) {
        child(way.element(), way.element().rest.next().name(), way);
      } else {
        way.pop();
      }
    }
  }

  private void enter(Dir dir, Optional<Node> lower, Deque<Packing> way)
      throws IOException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    try (Fd fd = Fd.CWD.openDirectory(layer.resolve(dir.path))) {
      way.push(new Packing(dir, lower, fd.list().iterator()));
    }
  }

  private void child(Packing in, BytePath name, Deque<Packing> way)
      throws IOException, InterruptedException {
    BytePath path = in.dir.path.resolve(name);
    Stat stat = Fd.CWD.stat(layer.resolve(path));
    Optional<Node> old = lowerChild(in.lower, name);
    if (stat.isWhiteout()) {
      if (below.isEmpty() || old.isPresent()) {
        in.dir.pack();
        entry(whiteout(path));
      }
    } else if (stat.isDirectory()) {
      var child = new Dir(in.dir, path, stat, false);
      if (old.isEmpty() || !isSame(old.get(), path, stat)) {
        child.pack();
      }
      enter(child, old.filter(Node::isDirectory), way);
    } else if (stat.type() != Stat.S_IFSOCK && !isUnchanged(path, stat, old)) {
      in.dir.pack();
      file(path, stat);
    }
  }

  private Optional<Node> lowerChild(Optional<Node> lower, BytePath name) throws SyscallException {
    return lower.isPresent() && below.isPresent()
        ? below.get().child(lower.get(), name)
        : Optional.empty();
  }

  private boolean isUnchanged(BytePath path, Stat stat, Optional<Node> old) throws IOException {
    return old.isPresent()
        && LayerChanges.isUnchanged(below.orElseThrow(), old.get(), layer.resolve(path), stat);
  }

  private boolean isSame(Node old, BytePath path, Stat stat) throws IOException {
    return TreeDiff.sameEntry(
        old.stat(), below.orElseThrow().backing(old), stat, layer.resolve(path));
  }

  private static TarEntry whiteout(BytePath path) {
    BytePath name = BytePath.ofLatin1(".wh." + path.name().latin1());
    BytePath parent = path.parent();
    BytePath all = parent.isEmpty() ? name : parent.resolve(name);
    return new TarEntry(
        all, TarEntry.FILE, 0, 0, 0, 0, 0, 0, BytePath.EMPTY, 0, 0, new TreeMap<>());
  }

  private void file(BytePath path, Stat stat) throws IOException, InterruptedException {
    BytePath here = layer.resolve(path);
    BytePath link = stat.isSymlink() ? Fd.CWD.readlink(here) : BytePath.EMPTY;
    TarEntry entry = TarEntry.of(path, stat, link, capability(path));
    if (stat.nlink() > 1) {
      BytePath first = linked.putIfAbsent(stat.inode(), path);
      if (first != null) {
        entry(entry.asHardLinkTo(first));
        return;
      }
    }
    entry(entry);
    if (stat.isRegular() && stat.sizeBytes() > 0) {
      try (Fd file = BuiltFiles.open(Fd.CWD, here, stat)) {
        copy(file, path, stat.sizeBytes());
      }
    }
  }

  private void copy(Fd file, BytePath path, long size) throws IOException, InterruptedException {
    for (long left = size; left > 0; ) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      int n = file.read(buffer, 0, (int) Math.min(buffer.length, left));
      if (n < 0) {
        throw new IOException(path + " became shorter while it was packed");
      }
      to.write(buffer, 0, n);
      left -= n;
    }
  }

  private SortedMap<String, byte[]> capability(BytePath path) throws SyscallException {
    var xattrs = new TreeMap<String, byte[]>();
    Xattrs.get(layer.resolve(path), CAPABILITY).ifPresent(value -> xattrs.put(CAPABILITY, value));
    return xattrs;
  }

  private void entry(TarEntry entry) throws IOException {
    to.entry(clampSeconds.isPresent() ? entry.clamped(clampSeconds.getAsLong()) : entry);
  }

  /** Packs everything below a directory of the host, the end of the stream included. */
  public static void packTree(Path root, TarWriter to, OptionalLong clampSeconds)
      throws IOException, InterruptedException {
    pack(root, Optional.of(new MergedTree(List.of())), to, clampSeconds);
  }
}
