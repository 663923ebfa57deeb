package dev.kiln.store;

import dev.kiln.model.Digest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One record in memory, the mutable side of {@link Ref}. Its identity never changes; everything
 * else is guarded by the lock of {@link RefTable}, but {@code layer}, which is only ever set once
 * while others look on.
 */
final class RefRecord {
  /** How the state is made of its parents. */
  enum Kind {
    /** A layer of its own on top of one parent, or of none. */
    LAYER,
    /** The chains of the parents on top of each other. */
    MERGE,
    /** The layers of the second parent that the first one does not have; no layer of its own. */
    UPPER_LAYERS,
    /** A layer of its own, computed from parents, and nothing below it. */
    DIFF
  }

  /** Builds with the same image at the same time each bring one. */
  private static final int MOST_SOURCES = 8;

  static final long NOT_COUNTED = -1;

  final RefId id;
  final Kind kind;
  List<RefRecord> parents;
  RecordType type;
  final String description;
  final Instant createdAt;

  /** Number of the layer directory; 0 where there is none (yet). */
  volatile long layer;

  /** Of an image layer: what was pulled. */
  Optional<Layer> pulled = Optional.empty();

  /** Of an image layer: what it and those below it are as far as they are true ({@link Layer}). */
  Optional<Digest> chainId = Optional.empty();

  /** Of an image layer: all that was said of it and of those below it ({@link LayerClaim}). */
  Optional<Digest> claim = Optional.empty();

  /** Packed forms by {@link LayerBlobs}' variant. */
  final Map<String, Layer> blobs = new HashMap<>();

  final Map<String, String> labels = new HashMap<>();

  /** Name of a mutable state. */
  Optional<String> key = Optional.empty();

  /** Of an image layer: who can bring its blob, the latest first. */
  private List<BlobSource> sources = List.of();

  @Nullable Instant lastUsedAt;
  int usageCount;
  long sizeBytes = NOT_COUNTED;
  long seq;

  int holders;
  int claims;
  boolean removed;

  /** Of a removed one: its layer directory is another one's too. */
  boolean layerStays;

  final Set<RefRecord> children = new HashSet<>();

  RefRecord(
      RefId id,
      Kind kind,
      List<RefRecord> parents,
      RecordType type,
      String description,
      Instant createdAt) {
    this.id = id;
    this.kind = kind;
    this.parents = List.copyOf(parents);
    this.type = type;
    this.description = description;
    this.createdAt = createdAt;
  }

  boolean isMutable() {
    return key.isPresent();
  }

  /** Whether it is an image layer that is not unpacked here. */
  boolean isLazyLayer() {
    return layer == 0 && pulled.isPresent();
  }

  /** Whether both are image layers of the same content, if what was said of them is true. */
  boolean isLike(RefRecord other) {
    return this == other || chainId.isPresent() && chainId.equals(other.chainId);
  }

  List<BlobSource> sources() {
    return sources;
  }

  /** Notes who can bring the blob from now on, beside the last of those who still can. */
  void offer(BlobSource from) {
    sources =
        Stream.concat(
                Stream.of(from), sources.stream().filter(s -> !s.equals(from) && s.isReachable()))
            .limit(MOST_SOURCES)
            .toList();
  }

  /**
   * The records whose layers make up the state, bottom first; a merge may name one twice.
   *
   * @throws dev.kiln.model.BuildException {@code INVALID} where they are too many to be listed
   */
  List<RefRecord> chain() {
    return Chain.of(this);
  }

  /** Layer numbers of the chain; all layers must be here. */
  List<Long> layers() {
    var numbers = new ArrayList<Long>();
    for (RefRecord r : chain()) {
      if (r.layer == 0) {
        throw new IllegalStateException("layer of " + r.id + " is not here");
      }
      numbers.add(r.layer);
    }
    return numbers;
  }

  /** Layer numbers below this record's own. */
  List<Long> layersBelow() {
    return switch (kind) {
      case LAYER -> parents.isEmpty() ? List.of() : parents.getFirst().layers();
      case MERGE, UPPER_LAYERS, DIFF -> List.of();
    };
  }

  Ref ref() {
    return new Ref(
        id, parents.stream().map(p -> p.id).toList(), type, description, createdAt, chainId);
  }

  @Override
  public String toString() {
    return kind + " " + id;
  }
}
