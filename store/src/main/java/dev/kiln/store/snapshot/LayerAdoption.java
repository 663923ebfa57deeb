package dev.kiln.store.snapshot;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A layer that was unpacked on its own, before it is put on those below: what its tar did not say
 * is taken from them. Immutable.
 *
 * @param implicit directories that no entry named
 * @param hasRoot whether an entry named the root
 * @param hasOpaque whether marks are to be expanded
 * @param impossible the tar cannot be understood on its own
 */
public record LayerAdoption(
    Path layer, List<BytePath> implicit, boolean hasRoot, boolean hasOpaque, boolean impossible) {
  public LayerAdoption {
    implicit = List.copyOf(implicit);
  }

  /**
   * Completes the layer.
   *
   * @return false where it must be unpacked again onto the layers below
   */
  public boolean adopt(Snapshotter snapshotter, List<Long> below) throws IOException {
    if (impossible) {
      return false;
    }
    var tree = new MergedTree(below.reversed().stream().map(snapshotter::layer).toList());
    BytePath root = BytePath.of(layer);
    for (BytePath path : implicit) {
      var there = find(tree, path);
      if (there == Found.LINK) {
        return false;
      }
    }
    for (BytePath path : implicit) {
      var node = tree.find(path);
      if (node.isPresent() && node.get().isDirectory()) {
        BytePath target = root.resolve(path);
        Stat stat = node.get().stat();
        LayerBuilder.attributes(tree.backing(node.get()), stat, target);
        Fd.CWD.utimes(target, stat.mtimeSeconds(), stat.mtimeNanos());
      }
    }
    if (hasOpaque) {
      new OpaqueDirectories(tree, layer).expand();
    }
    if (!hasRoot) {
      LayerDirectories.inheritRoot(tree.root(), tree, layer);
    }
    return true;
  }

  private enum Found {
    /** Nothing, or a directory. */
    PLAIN,
    /** A symlink is in the way: the entries belong where it leads. */
    LINK
  }

  private static Found find(MergedTree tree, BytePath path) throws IOException {
    var at = tree.root();
    for (String part : path.latin1().split("/")) {
      if (at.isEmpty() || !at.get().isDirectory()) {
        return Found.PLAIN;
      }
      at = tree.child(at.get(), BytePath.ofLatin1(part));
      if (at.isPresent() && at.get().stat().isSymlink()) {
        return Found.LINK;
      }
    }
    return Found.PLAIN;
  }
}
