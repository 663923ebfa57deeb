package dev.kiln.store.content;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.WholeFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Optional;
import java.util.SortedSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory of blobs, {@code blobs/sha256/<hex>}, and one of ingests under way. Writing does not
 * sync each file: the store syncs the whole file system behind the builds, and after a crash of the
 * machine {@link #verifySince} drops what is not whole (ADR 0004). Any thread.
 */
public final class FileContentStore implements ContentStore {
  private static final Logger LOG = LoggerFactory.getLogger(FileContentStore.class);

  private final Path blobs;
  private final Path ingest;
  private final SourceNotes sources;
  private final AtomicLong ingests = new AtomicLong();
  private final ConcurrentHashMap<String, KeyLock> keys = new ConcurrentHashMap<>();

  /** Waiters are counted, so that the last one out removes the lock from the table. */
  private record KeyLock(Semaphore free, int users) {}

  /** Opens (makes) the store below {@code root}; what a dead process left half-written goes. */
  public FileContentStore(Path root, SourceNotes sources) throws IOException {
    this.sources = sources;
    this.blobs = root.resolve("blobs/sha256");
    this.ingest = root.resolve("ingest");
    Directories.makePrivate(blobs);
    Directories.makePrivate(ingest);
    try (Fd dir = Fd.directory(ingest)) {
      for (Dirent left : dir.list()) {
        Directories.removeTree(dir, left.name());
      }
    }
  }

  @Override
  public Path path(Digest digest) {
    return blobs.resolve(digest.hex());
  }

  @Override
  public Optional<BlobInfo> info(Digest digest) {
    try {
      var attributes =
          Files.readAttributes(path(digest), java.nio.file.attribute.BasicFileAttributes.class);
      return Optional.of(
          new BlobInfo(digest, attributes.size(), attributes.lastModifiedTime().toInstant()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  @Override
  public SeekableByteChannel open(Digest digest) {
    try {
      return FileChannel.open(path(digest), StandardOpenOption.READ);
    } catch (IOException e) {
      throw absent(digest, e);
    }
  }

  @Override
  public InputStream stream(Digest digest) {
    try {
      return Files.newInputStream(path(digest));
    } catch (IOException e) {
      throw absent(digest, e);
    }
  }

  @Override
  public byte[] read(Digest digest) {
    try {
      return Files.readAllBytes(path(digest));
    } catch (IOException e) {
      throw absent(digest, e);
    }
  }

  private static BuildException absent(Digest digest, IOException e) {
    return e instanceof NoSuchFileException
        ? new BuildException(Kind.NOT_FOUND, "content " + digest + ": not found", e)
        : BuildException.of(e);
  }

  @Override
  public BlobWriter writer(String key) throws InterruptedException {
    KeyLock lock = enter(key);
    try {
      lock.free().acquire();
    } catch (InterruptedException e) {
      leave(key);
      throw e;
    }
    return opened(key, lock);
  }

  @Override
  public Optional<BlobWriter> tryWriter(String key) {
    KeyLock lock = enter(key);
    if (!lock.free().tryAcquire()) {
      leave(key);
      return Optional.empty();
    }
    return Optional.of(opened(key, lock));
  }

  private KeyLock enter(String key) {
    return keys.compute(
        key,
        (k, old) ->
            old == null
                ? new KeyLock(new Semaphore(1), 1)
                : new KeyLock(old.free(), old.users() + 1));
  }

  private void leave(String key) {
    keys.computeIfPresent(
        key, (k, old) -> old.users() == 1 ? null : new KeyLock(old.free(), old.users() - 1));
  }

  private BlobWriter opened(String key, KeyLock lock) {
    try {
      return new FileWriter(
          this,
          ingest.resolve(Long.toString(ingests.incrementAndGet())),
          () -> {
            lock.free().release();
            leave(key);
          });
    } catch (IOException e) {
      lock.free().release();
      leave(key);
      throw BuildException.of(e);
    }
  }

  /** Gives a finished temporary file its name. */
  void publish(Path temporary, Digest digest) throws IOException {
    Files.move(temporary, path(digest), StandardCopyOption.ATOMIC_MOVE);
  }

  @Override
  public Descriptor put(String mediaType, byte[] bytes) {
    Digest digest = Digest.of(bytes);
    if (!contains(digest)) {
      Path temporary = ingest.resolve(Long.toString(ingests.incrementAndGet()));
      try {
        WholeFiles.write(temporary, bytes);
        publish(temporary, digest);
      } catch (IOException e) {
        drop(temporary);
        throw BuildException.of(e);
      }
    }
    return new Descriptor(mediaType, digest, bytes.length);
  }

  /** What could not be finished takes no room. */
  private static void drop(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      LOG.warn("{} stays until the next start", temporary, e);
    }
  }

  @Override
  public void delete(Digest digest) {
    try {
      Files.deleteIfExists(path(digest));
      sources.forget(digest);
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  @Override
  public void addSource(Digest digest, String repository) {
    if (contains(digest)) {
      sources.add(digest, repository);
    }
  }

  @Override
  public SortedSet<String> sources(Digest digest) {
    return sources.of(digest);
  }

  @Override
  public void walk(Consumer<BlobInfo> each) {
    try (Fd dir = Fd.directory(blobs)) {
      for (Dirent entry : dir.list()) {
        String name = "sha256:" + entry.name();
        if (Digest.isValid(name) && dir.exists(entry.name())) {
          Stat stat = dir.stat(entry.name());
          each.accept(new BlobInfo(new Digest(name), stat.sizeBytes(), stat.mtime()));
        }
      }
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  /**
   * Reads what was written at or after {@code since} and removes what is not what its name says:
   * the machine died before it was on the disk.
   */
  public void verifySince(Instant since) {
    walk(blob -> {
      if (!blob.createdAt().isBefore(since) && !isWhole(blob.digest())) {
        delete(blob.digest());
      }
    });
  }

  private boolean isWhole(Digest digest) {
    try (InputStream in = stream(digest)) {
      var hash = Digest.sha256();
      byte[] buffer = new byte[1 << 16];
      for (int n; (n = in.read(buffer)) > 0; ) {
        hash.update(buffer, 0, n);
      }
      return Digest.ofHash(hash.digest()).equals(digest);
    } catch (IOException e) {
      return false;
    }
  }
}
