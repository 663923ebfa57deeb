package dev.kiln.store.snapshot;

import dev.kiln.store.snapshot.MergedTree.Node;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Open;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Takes out of a layer what overlayfs copied up and nobody changed, by the rule of {@link
 * TreeDiff}: a directory in which a mount point came and went, a file that was moved away and back.
 * So the layer holds what it would hold after it was packed and unpacked, and a difference shows
 * only changes. Works on a layer that nobody else sees yet.
 */
final class CopiedUp {
  private final MergedTree below;
  private final BytePath layer;

  CopiedUp(MergedTree below, Path layer) {
    this.below = below;
    this.layer = BytePath.of(layer);
  }

  void remove() throws IOException {
    Optional<Node> root = below.root();
    if (root.isPresent()) {
      directory(root.get());
    }
  }

  /**
   * A directory of both.
   *
   * @return whether nothing is left in it
   */
  private boolean directory(Node lower) throws IOException {
    BytePath here = layer.resolve(lower.path());
    boolean empty = true;
    try (Fd dir = Fd.CWD.open(here, Open.RDONLY | Open.DIRECTORY | Open.NOFOLLOW, 0)) {
      Stat before = dir.stat(BytePath.of("."));
      boolean removed = false;
      for (Dirent entry : dir.list()) {
        if (isUnchanged(dir, entry, lower)) {
          if (entry.isDirectory()) {
            dir.rmdir(entry.name());
          } else {
            dir.unlink(entry.name());
          }
          removed = true;
        } else {
          empty = false;
        }
      }
      if (removed) {
        Fd.CWD.utimes(here, before.mtimeSeconds(), before.mtimeNanos());
      }
    }
    return empty;
  }

  private boolean isUnchanged(Fd dir, Dirent entry, Node lower) throws IOException {
    BytePath path = layer.resolve(lower.path().resolve(entry.name()));
    if (entry.isDirectory() ? LayerFormat.isOpaque(path) : !LayerFormat.isCopiedUp(path)) {
      return false;
    }
    Optional<Node> old = below.child(lower, entry.name());
    if (old.isEmpty() || old.get().isDirectory() != entry.isDirectory()) {
      return false;
    }
    boolean leftEmpty = !entry.isDirectory() || directory(old.get());
    return leftEmpty && same(old.get(), path, dir.stat(entry.name()));
  }

  private boolean same(Node old, BytePath path, Stat stat) throws SyscallException, IOException {
    return !stat.isWhiteout() && TreeDiff.sameEntry(old.stat(), below.backing(old), stat, path);
  }
}
