package dev.kiln.store.layer;

import dev.kiln.model.Digest;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;

/** Hashes what passes, skipped bytes included (the JDK's stream leaves those out). One thread. */
public final class HashingInput extends FilterInputStream {
  private final MessageDigest hash = Digest.sha256();

  public HashingInput(InputStream in) {
    super(in);
  }

  @Override
  public int read() throws IOException {
    int b = in.read();
    if (b >= 0) {
      hash.update((byte) b);
    }
    return b;
  }

  @Override
  public int read(byte[] to, int offset, int length) throws IOException {
    int n = in.read(to, offset, length);
    if (n > 0) {
      hash.update(to, offset, n);
    }
    return n;
  }

  @Override
  public long skip(long count) throws IOException {
    byte[] buffer = new byte[(int) Math.max(1, Math.min(count, 1 << 13))];
    int n = read(buffer, 0, (int) Math.min(count, buffer.length));
    return Math.max(n, 0);
  }

  @Override
  public boolean markSupported() {
    return false;
  }

  /** The SHA-256 of what was read; ends the hashing. */
  public byte[] hash() {
    return hash.digest();
  }
}
