package dev.kiln.store;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.store.content.ContentStore;
import dev.kiln.store.content.FileContentStore;
import dev.kiln.store.content.SourceNotes;
import dev.kiln.store.records.Database;
import dev.kiln.store.records.Schema;
import dev.kiln.store.snapshot.NativeSnapshotter;
import dev.kiln.store.snapshot.OverlaySnapshotter;
import dev.kiln.store.snapshot.Snapshotter;
import dev.kiln.sys.Directories;
import dev.kiln.sys.FileLock;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The store in one directory: {@code content/}, {@code snapshots/}, {@code checksums/}, {@code
 * records.db}. Opening it removes what a dead process left half-made. Any thread; who opened it
 * closes it.
 */
public final class LocalStore implements Store {
  private static final Logger LOG = LoggerFactory.getLogger(LocalStore.class);

  private static final int APPLICATION_ID = 0x4b6c6e72; // "Klnr"

  private final FileLock lock;
  private final Database database;
  private final Durability durability;
  private final FileContentStore content;
  private final Snapshotter snapshotter;
  private final LocalLeases leases;
  private final LocalRefs refs;

  private LocalStore(StoreOptions options, FileLock lock) throws IOException {
    this.lock = lock;
    Path root = options.root();
    Path snapshots = Directories.makePrivate(root.resolve("snapshots"));
    this.database = Database.open(root.resolve("records.db"), schema());
    var table = new RefTable(database, options.clock());
    this.durability = new Durability(database, table, root, options.bootId(), options.syncEvery());
    Durability.LastRun last = durability.lastRun();
    table.load(last.durableSeq());
    var sources = new SourceNotes(database);
    sources.load();
    this.content = new FileContentStore(root.resolve("content"), sources);
    last.verifyBlobsSince().ifPresent(content::verifySince);
    this.snapshotter = snapshotter(options.snapshotter(), snapshots);
    this.leases = new LocalLeases(table, database);
    leases.load();
    var hashes = new ContentHashes(root.resolve("checksums"), table, snapshotter);
    collectLeftovers(table);
    this.refs = new LocalRefs(table, database, snapshotter, content, leases, hashes, root);
    durability.start();
  }

  private static Schema schema() {
    var first = new ArrayList<>(RefTable.SCHEMA);
    first.addAll(LocalLeases.SCHEMA);
    first.addAll(SourceNotes.SCHEMA);
    return new Schema(APPLICATION_ID, "refs", List.of(first));
  }

  /**
   * Opens the store of a directory.
   *
   * @throws BuildException {@code UNAVAILABLE} where another process has it open
   */
  public static LocalStore open(StoreOptions options) {
    try {
      Directories.makePrivate(options.root());
      FileLock lock =
          FileLock.tryLock(options.root().resolve("store.lock"))
              .orElseThrow(() ->
                  new BuildException(
                      Kind.UNAVAILABLE,
                      "another daemon uses " + options.root() + "; stop it, or give --root"));
      try {
        return new LocalStore(options, lock);
      } catch (IOException | RuntimeException e) {
        lock.close();
        throw e;
      }
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  private static Snapshotter snapshotter(String name, Path root) throws IOException {
    return switch (name) {
      case "auto", "" -> {
        if (OverlaySnapshotter.isSupported(root)) {
          yield new OverlaySnapshotter(root);
        }
        LOG.warn("overlayfs does not work on {}, using the native snapshotter", root);
        yield new NativeSnapshotter(root);
      }
      case "overlayfs" -> new OverlaySnapshotter(root);
      case "native" -> new NativeSnapshotter(root);
      default -> throw new BuildException(Kind.INVALID, "unknown snapshotter '" + name + "'");
    };
  }

  /** Layers without a record were under way when a process died. */
  private void collectLeftovers(RefTable table) throws IOException {
    var known = new HashSet<Long>();
    var broken = new ArrayList<RefRecord>();
    List<Long> there = snapshotter.numbers();
    table.locked(() -> {
      for (RefRecord record : table.all()) {
        if (record.layer != 0) {
          known.add(record.layer);
        } else if (record.chainId.isPresent() && record.pulled.isEmpty()) {
          broken.add(record); // an image layer of which nothing is known
        }
      }
    });
    for (long number : there) {
      if (!known.contains(number)) {
        try {
          snapshotter.remove(number);
        } catch (IOException e) { // one that cannot be removed is no reason not to start
          LOG.warn("layer {} that no record names was not removed: {}", number, e.getMessage());
        }
      }
    }
    known.removeAll(new HashSet<>(there));
    if (!known.isEmpty()) {
      LOG.error("layers {} are recorded but gone", known);
      table.locked(() -> {
        for (RefRecord record : table.all()) {
          if (known.contains(record.layer)) {
            broken.add(record);
          }
        }
      });
    }
    table.locked(() -> broken.forEach(record -> removeTree(table, record)));
  }

  /** Removes a record after all that are built on it. */
  private static void removeTree(RefTable table, RefRecord record) {
    var way = new ArrayDeque<RefRecord>(List.of(record));
    while (!way.isEmpty()) {
      RefRecord at = way.element();
      if (!at.children.isEmpty()) {
        way.push(at.children.iterator().next());
        continue;
      }
      way.pop();
      if (table.find(at.id).isPresent()) {
        table.remove(at);
      }
    }
  }

  @Override
  public ContentStore content() {
    return content;
  }

  @Override
  public Refs refs() {
    return refs;
  }

  @Override
  public Leases leases() {
    return leases;
  }

  @Override
  public String snapshotterName() {
    return snapshotter.name();
  }

  @Override
  public void close() {
    List<String> open = leases.openNames();
    if (!open.isEmpty()) {
      LOG.warn("leases are still open: {}", open);
    }
    durability.stop();
    database.close();
    lock.close();
  }
}
