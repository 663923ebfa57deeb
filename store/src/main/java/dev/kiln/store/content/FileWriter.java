package dev.kiln.store.content;

import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.sys.WholeFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Optional;

/** A blob under way in a temporary file, hashed as it passes. */
final class FileWriter implements ContentStore.BlobWriter {
  private final FileContentStore store;
  private final Path temporary;
  private final Runnable release;
  private final FileChannel channel;
  private MessageDigest hash = Digest.sha256();
  private long offset;
  private boolean closed;

  FileWriter(FileContentStore store, Path temporary, Runnable release) throws IOException {
    this.store = store;
    this.temporary = temporary;
    this.release = release;
    this.channel =
        FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
  }

  @Override
  public void write(byte[] from, int start, int length) throws IOException {
    var bytes = ByteBuffer.wrap(from, start, length);
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw WholeFiles.named(temporary, e);
    }
    hash.update(from, start, length);
    offset += length;
  }

  @Override
  public long offset() {
    return offset;
  }

  @Override
  public Digest digest() {
    try {
      return Digest.ofHash(((MessageDigest) hash.clone()).digest());
    } catch (CloneNotSupportedException e) {
      throw new AssertionError("the JDK's SHA-256 can be cloned", e);
    }
  }

  @Override
  public void reset() throws IOException {
    channel.truncate(0);
    channel.position(0);
    hash = Digest.sha256();
    offset = 0;
  }

  @Override
  public ContentStore.BlobInfo commit(Optional<Digest> expected, long expectedSize) {
    Digest digest = Digest.ofHash(hash.digest());
    if (expectedSize >= 0 && expectedSize != offset) {
      throw new BuildException(
          Kind.INVALID,
          "unexpected commit size "
              + offset
              + ", expected "
              + expectedSize
              + ": failed precondition");
    }
    if (expected.isPresent() && !expected.get().equals(digest)) {
      throw new BuildException(
          Kind.INVALID,
          "unexpected commit digest "
              + digest
              + ", expected "
              + expected.get()
              + ": failed precondition");
    }
    try {
      channel.close();
      store.publish(temporary, digest);
    } catch (IOException e) {
      throw BuildException.of(e);
    }
    var info = new ContentStore.BlobInfo(digest, offset, Instant.now());
    close();
    return info;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try (channel) {
        Files.deleteIfExists(temporary);
      } catch (IOException e) {
        throw BuildException.of(e);
      } finally {
        release.run();
      }
    }
  }
}
