package dev.kiln.actors;

import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The key of one output: the op's digest, the output's number, and for each input the keys that it
 * is known by (several, where it has several). Compared by identity. Immutable but for what is
 * learned later about where it can be found; any thread.
 */
public final class CacheKey {
  /** The output number of keys by content, which belong to no op (BuildKit v0.22.0, edge.go). */
  static final int NO_OUTPUT = -1;

  private final KeyDigest digest;
  private final int output;
  private final List<List<Dep>> deps;
  private final Map<CacheTable, CacheTable.Known> ids = new ConcurrentHashMap<>(4);
  private volatile Export export = Export.NONE;

  /** A key of an input, and which part of the input counts. */
  public record Dep(Optional<Digest> selector, CacheKey key) {}

  /** A record and the cache that it lies in. */
  public record Found(CacheTable table, CacheRecord record) {}

  /**
   * What a cache export wants to know of a key beside its links.
   *
   * @param vertex the vertex that the key is of; absent for keys by content
   * @param exportCache whether the client wants the result exported, where it said so
   * @param records results of the key, the best one first
   */
  public record Export(
      Optional<Digest> vertex, Optional<Boolean> exportCache, List<Found> records) {
    static final Export NONE = new Export(Optional.empty(), Optional.empty(), List.of());

    public Export {
      records = List.copyOf(records);
    }
  }

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

  public Export export() {
    return export;
  }

  void export(Export now) {
    export = now;
  }

  Map<CacheTable, CacheTable.Known> ids() {
    return ids;
  }

  @Override
  public String toString() {
    return "CacheKey[" + digest + "@" + output + ", " + deps.size() + " inputs]";
  }
}
