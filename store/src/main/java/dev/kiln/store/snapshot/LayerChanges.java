package dev.kiln.store.snapshot;

import dev.kiln.store.snapshot.MergedTree.Node;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Tells what in a layer is as it is below it: overlayfs copies up what is only moved away and back,
 * and the directories on the way to any write. Such entries are no part of a difference.
 */
public final class LayerChanges {
  private final MergedTree below;
  private final BytePath layer;

  private LayerChanges(MergedTree below, BytePath layer) {
    this.below = below;
    this.layer = layer;
  }

  /** Whether everything in the layer differs from {@code below}, or leads to what does. */
  public static boolean areAll(MergedTree below, Path layer) throws IOException {
    var changes = new LayerChanges(below, BytePath.of(layer));
    return changes.directory(BytePath.EMPTY, below.root()) != Found.UNCHANGED;
  }

  /** Whether a file in a layer is that of the tree below it. */
  public static boolean isUnchanged(MergedTree below, Node old, BytePath file, Stat stat)
      throws IOException {
    // What was written anew may have the old times and yet other bytes.
    return TreeDiff.sameEntry(old.stat(), below.backing(old), stat, file)
        && (LayerFormat.isCopiedUp(file) || TreeDiff.sameContent(stat, below.backing(old), file));
  }

  private enum Found {
    NOTHING,
    CHANGES,
    UNCHANGED
  }

  private Found directory(BytePath path, Optional<Node> old) throws IOException {
    Found all = Found.NOTHING;
    try (Fd dir = Fd.CWD.openDirectory(layer.resolve(path))) {
      for (Dirent name : dir.list()) {
        Found one = entry(path.resolve(name.name()), dir.stat(name.name()), child(old, name));
        if (one == Found.UNCHANGED) {
          return one;
        }
        if (one == Found.CHANGES) {
          all = one;
        }
      }
    }
    return all;
  }

  private Found entry(BytePath path, Stat stat, Optional<Node> old) throws IOException {
    if (stat.isWhiteout()) {
      return old.isPresent() ? Found.CHANGES : Found.NOTHING;
    }
    BytePath here = layer.resolve(path);
    if (!stat.isDirectory()) {
      return old.isPresent() && isUnchanged(below, old.get(), here, stat)
          ? Found.UNCHANGED
          : Found.CHANGES;
    }
    boolean same =
        old.isPresent()
            && TreeDiff.sameEntry(old.get().stat(), below.backing(old.get()), stat, here)
            && !LayerFormat.isOpaque(here);
    Found inside = directory(path, old.filter(Node::isDirectory));
    if (inside == Found.NOTHING) {
      return same ? Found.UNCHANGED : Found.CHANGES;
    }
    return inside;
  }

  private Optional<Node> child(Optional<Node> directory, Dirent name) throws IOException {
    return directory.isPresent() ? below.child(directory.get(), name.name()) : Optional.empty();
  }
}
