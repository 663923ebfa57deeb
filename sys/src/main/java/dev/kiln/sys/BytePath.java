package dev.kiln.sys;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A file name or path as the kernel sees it: bytes without NUL, in no particular encoding. Names in
 * images need not be UTF-8, so everything that walks, packs or unpacks a tree keeps them in this
 * form. Immutable; ordered by unsigned bytes, as tar entries and content checksums are.
 */
public final class BytePath implements Comparable<BytePath> {
  public static final BytePath EMPTY = new BytePath(new byte[0]);
  private final byte[] bytes;

  private BytePath(byte[] bytes) {
    this.bytes = bytes;
  }

  /** The path whose bytes are the UTF-8 of {@code text}. */
  public static BytePath of(String text) {
    return ofBytes(text.getBytes(StandardCharsets.UTF_8));
  }

  public static BytePath of(Path path) {
    return of(path.toString());
  }

  /**
   * The path with these bytes, which are not written to afterwards.
   *
   * @throws InvalidPathException for a NUL byte: the kernel would cut the name there
   */
  public static BytePath ofBytes(byte[] bytes) {
    for (byte b : bytes) {
      if (b == 0) {
        throw new InvalidPathException(
            new String(bytes, StandardCharsets.UTF_8), "a file name with a NUL byte");
      }
    }
    return new BytePath(bytes);
  }

  static BytePath trusted(byte[] bytes) {
    return new BytePath(bytes);
  }

  /** {@code this/name}; {@code name} alone where this is empty. */
  public BytePath resolve(BytePath name) {
    if (bytes.length == 0) {
      return name;
    }
    boolean slash = bytes[bytes.length - 1] != '/';
    byte[] all = Arrays.copyOf(bytes, bytes.length + (slash ? 1 : 0) + name.bytes.length);
    if (slash) {
      all[bytes.length] = '/';
    }
    System.arraycopy(name.bytes, 0, all, all.length - name.bytes.length, name.bytes.length);
    return new BytePath(all);
  }

  /** All names with slashes between them; empty for none. */
  public static BytePath join(Iterable<BytePath> names) {
    var all = new ByteArrayOutputStream();
    for (BytePath name : names) {
      if (all.size() > 0) {
        all.write('/');
      }
      all.writeBytes(name.bytes);
    }
    return new BytePath(all.toByteArray());
  }

  public BytePath resolve(String name) {
    return resolve(of(name));
  }

  /** The last component. */
  public BytePath name() {
    int slash = lastSlash();
    return slash < 0 ? this : new BytePath(Arrays.copyOfRange(bytes, slash + 1, bytes.length));
  }

  /** What is before the last component; empty for a single name, {@code /} for {@code /name}. */
  public BytePath parent() {
    int slash = lastSlash();
    return slash < 0 ? EMPTY : new BytePath(Arrays.copyOf(bytes, Math.max(slash, 1)));
  }

  private int lastSlash() {
    for (int i = bytes.length - 1; i >= 0; i--) {
      if (bytes[i] == '/') {
        return i;
      }
    }
    return -1;
  }

  public boolean isEmpty() {
    return bytes.length == 0;
  }

  public boolean startsWith(String prefix) {
    byte[] start = prefix.getBytes(StandardCharsets.UTF_8);
    return bytes.length >= start.length
        && Arrays.equals(bytes, 0, start.length, start, 0, start.length);
  }

  public int length() {
    return bytes.length;
  }

  /** The byte at an index, unsigned. */
  public int byteAt(int index) {
    return bytes[index] & 0xff;
  }

  /** A copy of the bytes. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** The bytes themselves, for this package only: nobody writes to them. */
  byte[] raw() {
    return bytes;
  }

  /** The bytes as characters U+0000 to U+00FF: lossless, and ordered as the bytes are. */
  public String latin1() {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  /** The inverse of {@link #latin1}. */
  public static BytePath ofLatin1(String text) {
    return ofBytes(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  @Override
  public int compareTo(BytePath other) {
    return Arrays.compareUnsigned(bytes, other.bytes);
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof BytePath other && Arrays.equals(bytes, other.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** As UTF-8; bytes that are none show as U+FFFD. */
  @Override
  public String toString() {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
