package dev.kiln.daemon;

import dev.kiln.config.ConfigException;
import dev.kiln.store.records.BoltFile;
import dev.kiln.sys.FileLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of this daemon's state, {@code kiln} below the root: what buildkitd keeps in the same
 * root is never touched, nor does buildkitd touch Kiln's (ADR 0017). Holds the lock of the root,
 * which buildkitd takes too, so one of them runs at a time. Blocks on the disk; who took it closes
 * it.
 */
final class StateFolder implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StateFolder.class);
  private static final String OWN = "kiln";

  /** Where an earlier version's state is gathered before it gets its name. */
  private static final String MOVING = "kiln.moving";

  private final Path path;
  private final FileLock lock;

  private StateFolder(Path path, FileLock lock) {
    this.path = path;
    this.lock = lock;
  }

  /**
   * Takes the one of {@code root}; the state that an earlier version kept in the root itself moves
   * into it.
   *
   * @throws ConfigException where another daemon runs on the root, or its state is in Kiln's folder
   */
  static StateFolder take(Path root) throws IOException {
    Folders.makeState(root);
    Path lockFile = root.resolve("buildkitd.lock");
    FileLock lock =
        FileLock.tryLock(lockFile)
            .orElseThrow(() ->
                new ConfigException("could not lock " + lockFile + ", another instance running?"));
    try {
      Path own = root.resolve(OWN);
      adoptEarlier(root, own);
      Folders.makeState(own);
      for (Path file : databases(own)) {
        if (BoltFile.is(file)) {
          throw new ConfigException(
              own
                  + " holds the state of buildkitd or containerd ("
                  + file
                  + "); give another --root, or move it away");
        }
      }
      return new StateFolder(own, lock);
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  Path path() {
    return path;
  }

  @Override
  public void close() {
    lock.close();
  }

  private static void adoptEarlier(Path root, Path own) throws IOException {
    if (Files.exists(own)) {
      return;
    }
    List<Path> foreign = databases(root).stream().filter(BoltFile::is).toList();
    List<Path> earlier = ofEarlier(root);
    Path moving = root.resolve(MOVING);
    if (!foreign.isEmpty()) {
      LOG.info(
          "{} also holds the state of buildkitd or containerd ({}), which stays as it is; Kiln's is"
              + " in {}",
          root,
          foreign.getFirst(),
          own);
    }
    if (earlier.isEmpty() && !Files.exists(moving)) {
      return;
    }
    if (!foreign.isEmpty()) {
      LOG.warn(
          "the state of an earlier version of Kiln is mixed with another daemon's in {} and stays"
              + " there: builds begin without a cache",
          root);
      return;
    }
    Folders.makeState(moving);
    for (Path each : earlier) {
      move(each, moving.resolve(each.getFileName()));
    }
    move(moving, own);
    LOG.info("the state of an earlier version of Kiln is now in {}", own);
  }

  private static void move(Path from, Path to) {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new ConfigException(
          "cannot move "
              + from
              + " to "
              + to
              + ", where this version keeps its state: move or remove it by hand ("
              + StartFailure.line(e)
              + ")",
          e);
    }
  }

  /**
   * What versions before {@code kiln} had its own folder made in the root, if they did: each file
   * after what lies beside it, so that no database is ever without its log.
   */
  private static List<Path> ofEarlier(Path root) throws IOException {
    var all = new ArrayList<Path>();
    try (Stream<Path> workers = Files.list(root)) {
      workers
          .filter(worker -> worker.getFileName().toString().startsWith("runc-"))
          .filter(worker -> Files.isRegularFile(worker.resolve("records.db")))
          .forEach(all::add);
    }
    if (all.isEmpty() && !Files.exists(root.resolve(MOVING))) {
      return all;
    }
    for (String name :
        List.of(
            "net",
            "warm-up",
            "cache.db-shm",
            "cache.db-wal",
            "cache.db",
            "history.db-shm",
            "history.db-wal",
            "history.db")) {
      if (Files.exists(root.resolve(name))) {
        all.add(root.resolve(name));
      }
    }
    return all;
  }

  /** Files where build daemons and containerd have databases, as far as they are there. */
  private static List<Path> databases(Path root) throws IOException {
    var all = new ArrayList<Path>();
    try (Stream<Path> entries = Files.list(root)) {
      for (Path entry : entries.toList()) {
        all.add(entry);
        for (String below :
            List.of(
                "metadata_v2.db",
                "metadata.db",
                "containerdmeta.db",
                "meta.db",
                "cache.db",
                "snapshots/metadata.db")) {
          all.add(entry.resolve(below));
        }
      }
    }
    return all;
  }
}
