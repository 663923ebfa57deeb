package dev.kiln.session.tree;

import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * A directory of this machine as a tree to send. Any thread; whoever made it closes it when the
 * transfer has ended.
 */
public final class DirectoryTree implements TreeSource, AutoCloseable {
  private final Fd root;
  private final Function<TreeEntry, Optional<TreeEntry>> map;

  /** The whole directory. */
  public DirectoryTree(Path root) throws SyscallException {
    this(root, Optional::of);
  }

  /**
   * @param map changes an entry's metadata, or leaves it out (with what lies in it)
   */
  public DirectoryTree(Path root, Function<TreeEntry, Optional<TreeEntry>> map)
      throws SyscallException {
    this.root = Fd.directory(root);
    this.map = map;
  }

  @Override
  public void walk(Visitor visitor) throws java.io.IOException, InterruptedException {
    var links = new HardLinks();
    try (var walk = new TreeWalk(root, true)) {
      for (var next = walk.next(); next.isPresent(); next = walk.next()) {
        TreeEntry entry = next.get();
        Optional<TreeEntry> mapped = map.apply(entry);
        if (mapped.isPresent()) {
          visitor.visit(links.repair(entry.path(), mapped.get(), walk.lastSizeBytes()));
        } else if (entry.isDirectory()) {
          walk.skipChildren();
        }
      }
    }
  }

  @Override
  public InputStream open(BytePath path) throws IOException {
    return BuiltFiles.open(root, path).input();
  }

  @Override
  public void close() {
    root.close();
  }

  /** Makes the first name that is sent the one that later names link to. */
  static final class HardLinks {
    private final Map<BytePath, BytePath> sentFor = new HashMap<>();

    TreeEntry repair(BytePath original, TreeEntry entry, long size) {
      if (entry.isDirectory() || entry.isSymlink()) {
        return entry;
      }
      if (entry.linkname().isEmpty()) {
        sentFor.put(original, entry.path());
        return entry;
      }
      BytePath first = sentFor.putIfAbsent(entry.linkname(), entry.path());
      return first == null
          ? entry.movedTo(entry.path(), BytePath.EMPTY).sized(size)
          : entry.movedTo(entry.path(), first);
    }
  }
}
