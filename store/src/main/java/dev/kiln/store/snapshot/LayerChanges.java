package dev.kiln.store.snapshot;

import dev.kiln.store.snapshot.MergedTree.Node;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Iterator;
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
    return changes.areAll();
  }

  /** Whether a file in a layer is that of the tree below it. */
  public static boolean isUnchanged(MergedTree below, Node old, BytePath file, Stat stat)
      throws IOException {
    // What was written anew may have the old times and yet other bytes.
    return TreeDiff.sameEntry(old.stat(), below.backing(old), stat, file)
        && (LayerFormat.isCopiedUp(file) || TreeDiff.sameContent(stat, below.backing(old), file));
  }

  /** A directory under way. */
  private static final class Looking {
    final BytePath path;
    final Optional<Node> old;
    final Iterator<Dirent> rest;

    /** Whether its own attributes are as below. */
    final boolean same;

    boolean holdsChanges;

    Looking(BytePath path, Optional<Node> old, Iterator<Dirent> rest, boolean same) {
      this.path = path;
      this.old = old;
      this.rest = rest;
      this.same = same;
    }
  }

  private boolean areAll() throws IOException {
    var way = new ArrayDeque<Looking>(); // innermost first: depth is a tree's to choose
    way.push(look(BytePath.EMPTY, below.root(), false));
    while (!way.isEmpty()) {
      Looking at = way.element();
      if (!at.rest.hasNext()) {
        way.pop();
        if (!at.holdsChanges && at.same) {
          return false;
        }
        if (!way.isEmpty()) {
          way.element().holdsChanges = true;
        }
        continue;
      }
      BytePath name = at.rest.next().name();
      BytePath path = at.path.resolve(name);
      BytePath here = layer.resolve(path);
      Stat stat = Fd.CWD.stat(here);
      Optional<Node> old = child(at.old, name);
      if (stat.isWhiteout()) {
        at.holdsChanges |= old.isPresent();
      } else if (stat.isDirectory()) {
        way.push(look(path, old.filter(Node::isDirectory), isSame(old, here, stat)));
      } else if (old.isPresent() && isUnchanged(below, old.get(), here, stat)) {
        return false;
      } else {
        at.holdsChanges = true;
      }
    }
    return true;
  }

  private Looking look(BytePath path, Optional<Node> old, boolean same) throws IOException {
    try (Fd dir = Fd.CWD.openDirectory(layer.resolve(path))) {
      return new Looking(path, old, dir.list().iterator(), same);
    }
  }

  private boolean isSame(Optional<Node> old, BytePath here, Stat stat) throws IOException {
    return old.isPresent()
        && TreeDiff.sameEntry(old.get().stat(), below.backing(old.get()), stat, here)
        && !LayerFormat.isOpaque(here);
  }

  private Optional<Node> child(Optional<Node> directory, BytePath name) throws IOException {
    return directory.isPresent() ? below.child(directory.get(), name) : Optional.empty();
  }
}
