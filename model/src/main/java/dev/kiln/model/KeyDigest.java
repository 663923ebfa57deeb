package dev.kiln.model;

import java.nio.charset.StandardCharsets;

/**
 * The digest part of a cache key: {@code sha256:…}, or {@code random:…} for a key that only this
 * daemon may use and that never leaves it (a session's local source, a build without cache).
 * Immutable.
 *
 * <p>Source: BuildKit v0.22 {@code source/local/source.go} and {@code solver/exporter.go}.
 */
public record KeyDigest(String value) implements Comparable<KeyDigest> {
  private static final String RANDOM = "random:";

  public KeyDigest {
    if (!Digest.isValid(value) && !value.startsWith(RANDOM)) {
      throw new IllegalArgumentException("not a cache key digest: '" + value + "'");
    }
  }

  public static KeyDigest of(Digest digest) {
    return new KeyDigest(digest.value());
  }

  public static KeyDigest of(byte[] bytes) {
    return of(Digest.of(bytes));
  }

  public static KeyDigest of(String text) {
    return of(text.getBytes(StandardCharsets.UTF_8));
  }

  /** A key that is equal only for equal bytes on this daemon, and is never exported. */
  public static KeyDigest random(byte[] bytes) {
    return new KeyDigest(RANDOM + Digest.of(bytes).hex());
  }

  /** Whether this key must not leave the daemon. */
  public boolean isRandom() {
    return value.startsWith(RANDOM);
  }

  @Override
  public int compareTo(KeyDigest other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
