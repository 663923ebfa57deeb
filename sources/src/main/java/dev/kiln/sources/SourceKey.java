package dev.kiln.sources;

import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.nio.charset.StandardCharsets;

/**
 * A cache key of a source. Immutable.
 *
 * @param key the text that BuildKit v0.22 makes of the same source, so that caches interchange
 * @param pin what was resolved: an image's digest, a commit, a checksum
 * @param complete whether there is no further key
 */
public record SourceKey(String key, String pin, boolean complete) {
  private static final String SESSION = "session:";

  /** The digest for the cache map ({@code solver/llbsolver/ops/source.go}). */
  public KeyDigest digest() {
    byte[] text = ("buildkit.source.v0:" + key).getBytes(StandardCharsets.UTF_8);
    return key.startsWith(SESSION) ? KeyDigest.random(text) : KeyDigest.of(Digest.of(text));
  }
}
