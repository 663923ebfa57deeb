package dev.kiln.model;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A content digest in its one spelling, {@code sha256:} and 64 lower-case hex digits. Immutable.
 * Cache keys that must never be shared have another type, {@link KeyDigest}.
 */
public record Digest(String value) implements Comparable<Digest> {
  private static final String PREFIX = "sha256:";
  private static final int LENGTH = PREFIX.length() + 64;

  /** Never fed: a copy costs a fraction of what a search through the JDK's providers does. */
  private static final MessageDigest FRESH = fresh();

  public Digest {
    if (!isValid(value)) {
      throw new IllegalArgumentException("not a sha256 digest: '" + value + "'");
    }
  }

  /** Whether {@code text} is a digest in the one spelling that this type accepts. */
  public static boolean isValid(String text) {
    if (text.length() != LENGTH || !text.startsWith(PREFIX)) {
      return false;
    }
    for (int i = PREFIX.length(); i < LENGTH; i++) {
      char c = text.charAt(i);
      if (!(c >= '0' && c <= '9' || c >= 'a' && c <= 'f')) {
        return false;
      }
    }
    return true;
  }

  public static Digest of(byte[] bytes) {
    return ofHash(sha256().digest(bytes));
  }

  public static Digest of(String text) {
    return of(text.getBytes(StandardCharsets.UTF_8));
  }

  /** The digest whose 32 hash bytes these are. */
  public static Digest ofHash(byte[] hash) {
    return new Digest(PREFIX + HexFormat.of().formatHex(hash));
  }

  /** The 64 hex digits without the algorithm. */
  public String hex() {
    return value.substring(PREFIX.length());
  }

  /** A new SHA-256, for callers that feed bytes as they pass. */
  public static MessageDigest sha256() {
    try {
      return (MessageDigest) FRESH.clone();
    } catch (CloneNotSupportedException e) {
      return fresh(); // another provider's
    }
  }

  private static MessageDigest fresh() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  @Override
  public int compareTo(Digest other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
