package dev.kiln.store.snapshot;

import dev.kiln.store.snapshot.MergedTree.Node;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Turns the opaque directories of a layer into whiteouts of just those names that it hides in the
 * layers below it. The tree looks the same; but merged onto other layers, it hides nothing of them
 * that it was not meant to, as when its deletions were packed and unpacked. (The kernel marks every
 * new directory opaque in passing.) Works on a layer that nobody else sees yet.
 */
public final class OpaqueDirectories {
  private final MergedTree below;
  private final BytePath layer;

  public OpaqueDirectories(MergedTree below, Path layer) {
    this.below = below;
    this.layer = BytePath.of(layer);
  }

  public void expand() throws SyscallException {
    var merged = new ArrayDeque<Node>(below.root().stream().toList());
    var hiding = new ArrayDeque<Node>();
    while (!merged.isEmpty()) {
      merged(merged.pop(), merged, hiding);
    }
    while (!hiding.isEmpty()) {
      hide(hiding.pop(), hiding);
    }
  }

  /** A directory of both, not opaque: only what is in it may be. */
  private void merged(Node lower, Deque<Node> more, Deque<Node> hiding) throws SyscallException {
    BytePath here = layer.resolve(lower.path());
    for (Dirent entry : list(here)) {
      if (!entry.isDirectory()) {
        continue;
      }
      BytePath child = here.resolve(entry.name());
      Optional<Node> hidden = below.child(lower, entry.name()).filter(Node::isDirectory);
      boolean opaque = LayerFormat.isOpaque(child);
      hidden.ifPresent(opaque ? hiding::push : more::push);
      if (opaque) {
        restoringTimes(child, () -> LayerFormat.unmakeOpaque(child));
      }
    }
  }

  /** A directory that hides {@code lower} whole: says so name by name. */
  private void hide(Node lower, Deque<Node> more) throws SyscallException {
    BytePath here = layer.resolve(lower.path());
    Map<BytePath, Dirent> present = new HashMap<>();
    for (Dirent entry : list(here)) {
      present.put(entry.name(), entry);
    }
    restoringTimes(
        here,
        () -> {
          for (Node child : below.children(lower)) {
            Dirent mine = present.get(child.path().name());
            if (mine == null) {
              LayerFormat.whiteout(layer.resolve(child.path()));
            } else if (mine.isDirectory() && child.isDirectory()) {
              more.push(child);
              if (LayerFormat.isOpaque(layer.resolve(child.path()))) {
                LayerFormat.unmakeOpaque(layer.resolve(child.path()));
              }
            }
          }
        });
  }

  private interface Change {
    void make() throws SyscallException;
  }

  private static void restoringTimes(BytePath directory, Change change) throws SyscallException {
    Stat before = Fd.CWD.stat(directory);
    change.make();
    Fd.CWD.utimes(directory, before.mtimeSeconds(), before.mtimeNanos());
  }

  private static java.util.List<Dirent> list(BytePath at) throws SyscallException {
    try (Fd dir = Fd.CWD.openDirectory(at)) {
      return dir.list();
    }
  }
}
