package dev.kiln.store;

import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.store.hash.HashTree;
import dev.kiln.store.snapshot.MergedTree;
import dev.kiln.store.snapshot.Snapshotter;
import dev.kiln.sys.Directories;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The content checksums of states: a few trees in memory, all in files beside the records. A file
 * may be lost at any time; it is computed again. Any thread.
 */
final class ContentHashes {
  private static final Logger LOG = LoggerFactory.getLogger(ContentHashes.class);
  private static final int IN_MEMORY = 32;

  private final Path directory;
  private final RefTable table;
  private final Snapshotter snapshotter;
  private final Map<RefId, HashTree> trees = new LinkedHashMap<>(16, 0.75f, true); // by last use

  ContentHashes(Path directory, RefTable table, Snapshotter snapshotter) throws IOException {
    this.directory = directory;
    this.table = table;
    this.snapshotter = snapshotter;
    Directories.makePrivate(directory);
  }

  /** The checksum of a state whose layers are all here. */
  Digest checksum(RefRecord record, ContentQuery query) throws IOException {
    HashTree tree = of(record.id);
    var chain = table.locked(record::layers);
    var disk = new MergedTree(chain.reversed().stream().map(snapshotter::layer).toList());
    Digest digest = tree.checksum(query, disk);
    if (tree.isChanged()) {
      write(record.id, tree);
    }
    return digest;
  }

  /** The tree of a state; read from its file, or one of which nothing is known. */
  HashTree of(RefId id) {
    synchronized (trees) {
      HashTree tree = trees.get(id);
      if (tree == null) {
        tree = read(id);
        put(id, tree);
      }
      return tree;
    }
  }

  private void put(RefId id, HashTree tree) {
    trees.put(id, tree);
    var eldest = trees.entrySet().iterator();
    while (trees.size() > IN_MEMORY && eldest.hasNext()) {
      var entry = eldest.next();
      if (!entry.getValue().isChanged()) { // what a writer told is nowhere else
        eldest.remove();
      }
    }
  }

  private Path file(RefId id) {
    return directory.resolve(id.value());
  }

  private HashTree read(RefId id) {
    Path file = file(id);
    if (!Files.exists(file)) {
      return HashTree.unknown();
    }
    try (var in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16))) {
      return HashTree.read(in);
    } catch (IOException | RuntimeException e) { // damaged in one way or another
      LOG.warn("checksums of {} are computed anew", id, e);
      return HashTree.unknown();
    }
  }

  /** A named state is about to be written: what is kept of it in a file is not true any more. */
  void writing(RefId id, boolean isNew) {
    HashTree tree;
    synchronized (trees) {
      boolean known = trees.containsKey(id) || Files.exists(file(id));
      tree = known ? of(id) : HashTree.told(isNew);
      put(id, tree);
    }
    delete(id);
  }

  /** Writes down what is known. */
  void save(RefId id) {
    HashTree tree;
    synchronized (trees) {
      tree = trees.get(id);
    }
    if (tree != null) {
      write(id, tree);
    }
  }

  private void write(RefId id, HashTree tree) {
    Path temporary = directory.resolve(id.value() + ".new");
    synchronized (tree) {
      try {
        try (var out =
            new DataOutputStream(
                new BufferedOutputStream(Files.newOutputStream(temporary), 1 << 16))) {
          tree.write(out);
        }
        Files.move(temporary, file(id), StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        LOG.warn("checksums of {} were not kept", id, e);
        drop(temporary);
      }
    }
  }

  /** What could not be finished takes no room. */
  private static void drop(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      LOG.debug("{} stays", temporary, e);
    }
  }

  /** The layer of one state is the other's from now on. */
  void move(RefId from, RefId to) {
    synchronized (trees) {
      HashTree tree = trees.containsKey(from) || Files.exists(file(from)) ? of(from) : null;
      trees.remove(from);
      if (tree != null) {
        put(to, tree);
      }
    }
    delete(from);
  }

  void forget(RefId id) {
    synchronized (trees) {
      trees.remove(id);
    }
    delete(id);
  }

  private void delete(RefId id) {
    try {
      Files.deleteIfExists(file(id));
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }
}
