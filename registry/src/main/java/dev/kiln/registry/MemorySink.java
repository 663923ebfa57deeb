package dev.kiln.registry;

import dev.kiln.model.Digest;
import java.io.ByteArrayOutputStream;

/** A small blob as it arrives. Confined to one thread; nothing to close. */
final class MemorySink implements Registry.BlobSink {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  @Override
  public long written() {
    return bytes.size();
  }

  @Override
  public void write(byte[] from, int offset, int length) {
    bytes.write(from, offset, length);
  }

  @Override
  public Digest digest() {
    return Digest.of(bytes());
  }

  @Override
  public void reset() {
    bytes.reset();
  }

  byte[] bytes() {
    return bytes.toByteArray();
  }
}
