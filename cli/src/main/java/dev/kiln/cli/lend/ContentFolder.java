package dev.kiln.cli.lend;

import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The blobs of an OCI layout, and the places where new ones grow: {@code ingest/HASH/data}, as
 * containerd's local store has them, so that a write that was cut off goes on where it ended. A
 * blob is visible whole or not at all. Any thread.
 */
final class ContentFolder {
  private static final int BUFFER_BYTES = 1 << 20;
  private final Path folder;
  private final Set<String> beingWritten = ConcurrentHashMap.newKeySet();

  /**
   * @param folder need not be there before the first write
   */
  ContentFolder(Path folder) {
    this.folder = folder;
  }

  @Override
  public String toString() {
    return folder.toString();
  }

  Path blob(Digest digest) {
    return folder.resolve("blobs/sha256").resolve(digest.hex());
  }

  /** A blob's size in bytes; empty where it is not there. */
  Optional<Long> size(Digest digest) throws IOException {
    try {
      return Optional.of(Files.size(blob(digest)));
    } catch (NoSuchFileException none) {
      return Optional.empty();
    }
  }

  private Path ingest(String ref) {
    return folder.resolve("ingest").resolve(Digest.of(ref).hex());
  }

  /** How much of a blob is written; empty where no such write is under way. */
  Optional<Long> written(String ref) throws IOException {
    try {
      return Optional.of(Files.size(ingest(ref).resolve("data")));
    } catch (NoSuchFileException none) {
      return Optional.empty();
    }
  }

  /**
   * Begins a write, or goes on with one that was cut off. The caller closes it.
   *
   * @param ref names the write
   * @throws BuildException {@code UNAVAILABLE} where somebody else is at it
   */
  Write write(String ref) throws IOException {
    if (!beingWritten.add(ref)) {
      throw new BuildException(Kind.UNAVAILABLE, "ref " + ref + " locked: unavailable");
    }
    try {
      return new Write(ref);
    } catch (IOException | RuntimeException e) {
      beingWritten.remove(ref);
      throw e;
    }
  }

  /** Forgets what was written under a name. */
  void abort(String ref) throws IOException {
    Path place = ingest(ref);
    if (!Files.isDirectory(place)) {
      throw new BuildException(Kind.NOT_FOUND, "ingest ref \"" + ref + "\": not found");
    }
    remove(place);
  }

  private void remove(Path place) throws IOException {
    try (var files = Files.newDirectoryStream(place)) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
    Files.delete(place);
  }

  /** A blob that grows. One thread. */
  final class Write implements AutoCloseable {
    private final String ref;
    private final Path place;
    private final FileChannel data;
    private final MessageDigest hash = Digest.sha256();
    private long offset;

    private Write(String ref) throws IOException {
      this.ref = ref;
      this.place = ingest(ref);
      Files.createDirectories(place);
      Path file = place.resolve("data");
      this.data =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      try {
        if (data.tryLock() == null) {
          throw new BuildException(Kind.UNAVAILABLE, "another process writes " + file);
        }
        hashWhatIsThere();
      } catch (IOException | BuildException e) {
        data.close();
        throw e;
      }
    }

    /** By the locked channel: the end of any other one of the file ends the lock (fcntl(2)). */
    private void hashWhatIsThere() throws IOException {
      var buffer = ByteBuffer.allocate(BUFFER_BYTES);
      for (int n = data.read(buffer); n >= 0; n = data.read(buffer)) {
        hash.update(buffer.flip());
        buffer.clear();
        offset += n;
      }
    }

    long offset() {
      return offset;
    }

    void append(ByteBuffer bytes) throws IOException {
      hash.update(bytes.duplicate());
      while (bytes.hasRemaining()) {
        offset += data.write(bytes);
      }
    }

    /** Begins anew. */
    void truncate() throws IOException {
      data.truncate(0);
      hash.reset();
      offset = 0;
    }

    /**
     * Makes the blob visible; one that has become so meanwhile is fine.
     *
     * @throws BuildException {@code UNKNOWN} where another blob was expected; what was written is
     *     forgotten then, as going on from it would never end well
     */
    Digest commit(long expectedBytes, Optional<Digest> expected) throws IOException {
      Digest digest = Digest.ofHash(hash.digest());
      boolean wrongSize = expectedBytes > 0 && expectedBytes != offset;
      if (wrongSize || expected.isPresent() && !expected.get().equals(digest)) {
        remove(place);
        throw new BuildException(
            Kind.UNKNOWN,
            wrongSize
                ? "unexpected commit size " + offset + ", expected " + expectedBytes
                : "unexpected commit digest " + digest + ", expected " + expected.get());
      }
      data.force(true);
      Path blob = blob(digest);
      Files.createDirectories(folder.resolve("blobs/sha256"));
      Files.move(place.resolve("data"), blob, StandardCopyOption.ATOMIC_MOVE);
      remove(place);
      return digest;
    }

    @Override
    public void close() {
      try {
        data.close();
      } catch (IOException e) {
        // what matters was synced by the commit
      }
      beingWritten.remove(ref);
    }
  }
}
