package dev.kiln.actors;

import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.util.Optional;

/**
 * How a key leads to another one: by being the key of input {@code input} (of which {@code
 * selector} counts) of an op keyed {@code digest}, to the key of that op's output. Immutable.
 */
public record CacheLink(int input, KeyDigest digest, int output, Optional<Digest> selector) {
  /** In place of an output where {@code digest} is made from op and output already. */
  private static final int IN_DIGEST = Integer.MIN_VALUE;

  /** A link as caches outside tell of it: {@code digest} is that of op and output together. */
  public static CacheLink outside(int input, KeyDigest digest, Optional<Digest> selector) {
    return new CacheLink(input, digest, IN_DIGEST, selector);
  }

  /** The digest under which caches outside record the key that this leads to. */
  public KeyDigest outsideDigest() {
    return output == IN_DIGEST ? digest : CacheKey.rootId(digest, output);
  }

  CacheLink outside() {
    return output == IN_DIGEST ? this : outside(input, outsideDigest(), selector);
  }
}
