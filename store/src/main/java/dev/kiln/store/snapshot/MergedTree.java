package dev.kiln.store.snapshot;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A chain of layers read as one tree, by the rules of overlayfs but without a mount. Says for each
 * file which layer holds it, so that equal files of two chains are known without reading them.
 * Immutable, any thread; the layers must be finished.
 */
public final class MergedTree {
  private final List<BytePath> layers; // top first

  /**
   * @param directories of the layers, top first
   */
  public MergedTree(List<Path> directories) {
    this.layers = directories.stream().map(BytePath::of).toList();
  }

  /**
   * One entry.
   *
   * @param path relative to the root; empty for the root
   * @param holders indexes of the layers that make it up, top first; one for all but directories
   */
  public record Node(BytePath path, Stat stat, List<Integer> holders) {
    public boolean isDirectory() {
      return stat.isDirectory();
    }
  }

  /** The root; empty where the chain has no layer. */
  public Optional<Node> root() throws SyscallException {
    if (layers.isEmpty()) {
      return Optional.empty();
    }
    var all = new ArrayList<Integer>();
    for (int i = 0; i < layers.size(); i++) {
      all.add(i);
    }
    return Optional.of(new Node(BytePath.EMPTY, Fd.CWD.stat(layers.getFirst()), all));
  }

  /** Where the bytes and attributes of a node are: an absolute path into its topmost layer. */
  public BytePath backing(Node node) {
    return layers.get(node.holders().getFirst()).resolve(node.path());
  }

  /** The directory of a layer, by its index. */
  BytePath layer(int index) {
    return layers.get(index);
  }

  /** One name in a directory. */
  public Optional<Node> child(Node directory, BytePath name) throws SyscallException {
    BytePath path = directory.path().resolve(name);
    Stat top = null;
    var holders = new ArrayList<Integer>();
    for (int layer : directory.holders()) {
      BytePath here = layers.get(layer).resolve(path);
      Stat stat;
      try {
        stat = Fd.CWD.stat(here);
      } catch (SyscallException e) {
        if (LayerFormat.isAbsent(e)) {
          continue;
        }
        throw e;
      }
      if (stat.isWhiteout()) {
        break;
      }
      if (top == null) {
        top = stat;
        holders.add(layer);
        if (!stat.isDirectory() || isLast(directory, layer) || LayerFormat.isOpaque(here)) {
          break;
        }
      } else if (stat.isDirectory()) {
        holders.add(layer);
        if (LayerFormat.isOpaque(here)) {
          break;
        }
      } else {
        break;
      }
    }
    return top == null ? Optional.empty() : Optional.of(new Node(path, top, holders));
  }

  private static boolean isLast(Node directory, int layer) {
    return directory.holders().getLast() == layer;
  }

  /** An entry by its path, symlinks not followed. */
  public Optional<Node> find(BytePath path) throws SyscallException {
    Optional<Node> at = root();
    for (String part : path.latin1().split("/")) {
      if (!part.isEmpty() && at.isPresent()) {
        at = at.get().isDirectory() ? child(at.get(), BytePath.ofLatin1(part)) : Optional.empty();
      }
    }
    return at;
  }

  /** What is in a directory, sorted by name. */
  public List<Node> children(Node directory) throws SyscallException {
    var found = new TreeMap<BytePath, Building>();
    for (int layer : directory.holders()) {
      BytePath here = layers.get(layer).resolve(directory.path());
      try (Fd dir = Fd.CWD.openDirectory(here)) {
        for (Dirent entry : dir.list()) {
          Building before = found.get(entry.name());
          if (before == null) {
            found.put(entry.name(), begin(dir, here, entry, layer, directory));
          } else if (before.open) {
            extend(before, dir, here, entry, layer);
          }
        }
      }
    }
    var nodes = new ArrayList<Node>(found.size());
    found.forEach((name, b) -> {
      if (b.stat != null) {
        nodes.add(new Node(directory.path().resolve(name), b.stat, b.holders));
      }
    });
    return nodes;
  }

  /** A name that is being looked for in lower layers while {@code open}. */
  private static final class Building {
    @org.jspecify.annotations.Nullable Stat stat;
    final List<Integer> holders = new ArrayList<>(1);
    boolean open;
  }

  private static Building begin(Fd dir, BytePath here, Dirent entry, int layer, Node in)
      throws SyscallException {
    var b = new Building();
    Stat stat = dir.stat(entry.name());
    if (!stat.isWhiteout()) {
      b.stat = stat;
      b.holders.add(layer);
      b.open =
          stat.isDirectory()
              && !isLast(in, layer)
              && !LayerFormat.isOpaque(here.resolve(entry.name()));
    }
    return b;
  }

  private static void extend(Building b, Fd dir, BytePath here, Dirent entry, int layer)
      throws SyscallException {
    if (dir.stat(entry.name()).isDirectory()) {
      b.holders.add(layer);
      b.open = !LayerFormat.isOpaque(here.resolve(entry.name()));
    } else {
      b.open = false;
    }
  }
}
