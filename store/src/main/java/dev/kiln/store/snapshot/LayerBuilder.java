package dev.kiln.store.snapshot;

import dev.kiln.store.snapshot.MergedTree.Node;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Writes differences into a layer directory: files as hard links to where they are where that is
 * possible and allowed, else as copies with all attributes; deletions as whiteouts. One thread;
 * {@link #close} sets the times of the directories, which writing in them has changed.
 */
final class LayerBuilder implements TreeDiff.Receiver, AutoCloseable {
  /** Whether files may be shared with the tree they come from. */
  enum Files {
    LINK,
    COPY
  }

  private final MergedTree from;
  private final BytePath to;
  private final Files files;
  private final Map<Stat.Inode, BytePath> linked = new HashMap<>();
  private final Set<BytePath> made = new HashSet<>();
  private final Deque<Node> directories = new ArrayDeque<>();

  /**
   * @param from the tree that {@link #put} nodes belong to
   */
  LayerBuilder(MergedTree from, Path layer, Files files) {
    this.from = from;
    this.to = BytePath.of(layer);
    this.files = files;
  }

  @Override
  public void put(Node node, boolean replaces) throws IOException {
    parents(node.path());
    BytePath target = to.resolve(node.path());
    if (node.isDirectory()) {
      directory(node); // over a file it needs no mark: nothing below a file shows through
    } else {
      file(from.backing(node), node.stat(), target, files, linked);
    }
  }

  @Override
  public void delete(BytePath path) throws IOException {
    parents(path);
    LayerFormat.whiteout(to.resolve(path));
  }

  /** The directories above {@code path} as they are in the tree. */
  private void parents(BytePath path) throws IOException {
    var missing = new ArrayDeque<BytePath>();
    for (BytePath p = path.parent(); !p.isEmpty() && !made.contains(p); p = p.parent()) {
      missing.push(p);
    }
    if (missing.isEmpty()) {
      return;
    }
    Optional<Node> at = from.find(missing.element().parent());
    for (BytePath parent : missing) { // what changes lies in a directory that both trees have
      at = at.isPresent() ? from.child(at.get(), parent.name()) : at;
      directory(
          at.orElseThrow(() -> new SyscallException("lstat", parent.toString(), Errno.ENOENT)));
    }
  }

  private void directory(Node node) throws IOException {
    if (made.add(node.path())) {
      BytePath target = to.resolve(node.path());
      Fd.CWD.mkdir(target, 0700);
      attributes(from.backing(node), node.stat(), target);
      directories.push(node);
    }
  }

  @Override
  public void close() throws IOException {
    while (!directories.isEmpty()) {
      Node node = directories.pop();
      Fd.CWD.utimes(to.resolve(node.path()), node.stat().mtimeSeconds(), node.stat().mtimeNanos());
    }
  }

  /** Makes {@code target} the same as the entry at {@code source}, which is no directory. */
  static void file(
      BytePath source, Stat stat, BytePath target, Files how, Map<Stat.Inode, BytePath> linked)
      throws IOException {
    if (how == Files.LINK) {
      try {
        Fd.CWD.link(source, Fd.CWD, target);
        return;
      } catch (SyscallException e) {
        boolean impossible = e.errno() == Errno.EXDEV || e.errno() == Errno.EMLINK;
        if (!impossible) {
          throw e;
        }
      }
    }
    if (stat.nlink() > 1) {
      BytePath first = linked.putIfAbsent(stat.inode(), target);
      if (first != null) {
        Fd.CWD.link(first, Fd.CWD, target);
        return;
      }
    }
    switch (stat.type()) {
      case Stat.S_IFREG -> {
        try (Fd in = BuiltFiles.open(Fd.CWD, source, stat);
            Fd out = Fd.CWD.create(target, 0600)) {
          in.copyTo(out, stat.sizeBytes());
        }
      }
      case Stat.S_IFLNK -> Fd.CWD.symlink(Fd.CWD.readlink(source), target);
      default -> Fd.CWD.mknod(target, stat.mode(), stat.rdev());
    }
    attributes(source, stat, target);
    Fd.CWD.utimes(target, stat.mtimeSeconds(), stat.mtimeNanos());
  }

  /** Owner, mode and extended attributes; not the times, nor what belongs to the layer format. */
  static void attributes(BytePath source, Stat stat, BytePath target) throws IOException {
    Fd.CWD.chown(target, stat.uid(), stat.gid());
    if (!stat.isSymlink()) {
      Fd.CWD.chmod(target, stat.permissions());
    }
    for (var xattr : Xattrs.all(source).entrySet()) { // after chown, which drops capabilities
      if (!LayerFormat.isInternal(xattr.getKey())) {
        Xattrs.set(target, xattr.getKey(), xattr.getValue());
      }
    }
  }

  /** Copies a merged tree into an empty or existing directory, hard links kept. */
  static void copyTree(MergedTree tree, Path target, Files how) throws IOException {
    var root = tree.root();
    if (root.isEmpty()) {
      return;
    }
    var linked = new HashMap<Stat.Inode, BytePath>();
    var way = new ArrayDeque<Copying>(); // innermost first: depth is a tree's to choose
    way.push(Copying.begin(tree, root.get(), BytePath.of(target)));
    while (!way.isEmpty()) {
      Copying at = way.element();
      if (!at.rest.hasNext()) {
        way.pop();
        Stat stat = at.directory.stat();
        Fd.CWD.utimes(at.target, stat.mtimeSeconds(), stat.mtimeNanos());
        continue;
      }
      Node child = at.rest.next();
      BytePath to = at.target.resolve(child.path().name());
      if (child.isDirectory()) {
        Fd.CWD.mkdir(to, 0700);
        way.push(Copying.begin(tree, child, to));
      } else {
        file(tree.backing(child), child.stat(), to, how, linked);
      }
    }
  }

  /** A directory that is being copied. */
  private record Copying(Node directory, BytePath target, Iterator<Node> rest) {
    static Copying begin(MergedTree tree, Node directory, BytePath target) throws IOException {
      attributes(tree.backing(directory), directory.stat(), target);
      return new Copying(directory, target, tree.children(directory).iterator());
    }
  }

  /** Removes everything in a directory, not the directory. */
  static void clear(Path directory) throws SyscallException {
    try (Fd dir = Fd.directory(directory)) {
      for (var entry : dir.list()) {
        Directories.removeTree(dir, entry.name());
      }
    }
  }
}
