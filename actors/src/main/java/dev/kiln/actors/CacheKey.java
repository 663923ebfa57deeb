package dev.kiln.actors;

import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.util.List;
import java.util.Optional;

/**
 * The key of one output: the op's digest, the output's number, and for each input the keys that it
 * is known by (several, where it has several). Compared by identity; what a cache calls it is its
 * cache table knows. Immutable but for what the solver learns later about where it can be found;
 * any thread.
 */
public final class CacheKey {
  /** The output number of keys by content, which belong to no op (BuildKit v0.22, edge.go). */
  static final int NO_OUTPUT = -1;

  private final KeyDigest digest;
  private final int output;
  private final List<List<Dep>> deps;

  /** A key of an input, and which part of the input counts. */
  public record Dep(Optional<Digest> selector, CacheKey key) {}

  CacheKey(KeyDigest digest, int output, List<List<Dep>> deps) {
    this.digest = digest;
    this.output = output;
    this.deps = deps.stream().map(List::copyOf).toList();
  }

  /** A key by content. */
  static CacheKey content(KeyDigest digest) {
    return new CacheKey(digest, NO_OUTPUT, List.of());
  }

  public KeyDigest digest() {
    return digest;
  }

  public int output() {
    return output;
  }

  /** By input, then by alternative; empty for an op without inputs. */
  public List<List<Dep>> deps() {
    return deps;
  }

  /** Whether the key stands on its own, so that it has one id in every cache. */
  public boolean isRoot() {
    return deps.isEmpty();
  }

  /** The key's id where it has no inputs, and the digest under which an export records it. */
  public KeyDigest rootId() {
    return rootId(digest, output);
  }

  /** Source: BuildKit v0.22.0, {@code solver/cachemanager.go}: the digest of "digest@output". */
  static KeyDigest rootId(KeyDigest digest, int output) {
    Digest hash = Digest.of(digest.value() + "@" + output);
    return digest.isRandom() ? new KeyDigest("random:" + hash.hex()) : KeyDigest.of(hash);
  }
}
