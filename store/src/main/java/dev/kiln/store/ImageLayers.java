package dev.kiln.store;

import dev.kiln.model.Digest;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The image layers among the records: known by what was said of them ({@link LayerClaim}), while
 * those of one content share a directory, which was verified when it was unpacked. All under the
 * lock of {@link RefTable}.
 */
final class ImageLayers {
  private final RefTable table;
  private final Map<Digest, RefRecord> byClaim = new HashMap<>();
  private final Map<Digest, SortedSet<RefRecord>> byChain = new HashMap<>();

  ImageLayers(RefTable table) {
    this.table = table;
  }

  void enter(RefRecord r) {
    r.claim.ifPresent(claim -> byClaim.put(claim, r));
    r.chainId.ifPresent(chain ->
        byChain
            .computeIfAbsent(
                chain, c -> new TreeSet<>(Comparator.comparing(other -> other.id.value())))
            .add(r));
  }

  /** Works out what was said of a record that was read, and of those below it. */
  void claim(RefRecord read) {
    var open = new ArrayDeque<RefRecord>();
    Optional<RefRecord> at = Optional.of(read);
    while (at.filter(r -> r.claim.isEmpty() && isLayer(r)).isPresent()) {
      open.push(at.get());
      at = at.get().parents.stream().findFirst();
    }
    for (RefRecord r : open) {
      Optional<RefRecord> below = r.parents.stream().findFirst();
      if (below.isPresent() && below.get().claim.isEmpty()) {
        return; // what it lies on was not written down whole
      }
      r.claim = Optional.of(LayerClaim.of(below, r.pulled.orElseThrow()));
      byClaim.put(r.claim.get(), r);
    }
  }

  private static boolean isLayer(RefRecord r) {
    return r.chainId.isPresent() && r.pulled.isPresent();
  }

  void leave(RefRecord r) {
    r.claim.ifPresent(claim -> byClaim.remove(claim, r));
    r.chainId.ifPresent(chain ->
        byChain.computeIfPresent(
            chain,
            (c, all) -> {
              all.remove(r);
              return all.isEmpty() ? null : all;
            }));
    r.layerStays = sharers(r).findAny().isPresent();
    countAgain(r);
  }

  /** The layer of which just that was said. */
  Optional<RefRecord> claimed(Digest claim) {
    return Optional.ofNullable(byClaim.get(claim));
  }

  /** Whether the directory of a recorded layer is here, now also if another one had it. */
  boolean isHere(RefRecord r) {
    if (r.layer == 0 && adopt(r)) {
      table.save(r);
    }
    return r.layer != 0;
  }

  /**
   * Gives a lazy layer the directory of another one of the same content, if there is one.
   *
   * @return whether there was
   */
  boolean adopt(RefRecord lazy) {
    Optional<RefRecord> other = ofContent(lazy).filter(r -> r.layer != 0).findFirst();
    other.ifPresent(r -> {
      lazy.layer = r.layer;
      countAgain(lazy);
    });
    return other.isPresent();
  }

  /** Whether the directory counts for the size of another record. */
  boolean isCountedElsewhere(RefRecord r) {
    return sharers(r).anyMatch(other -> other.id.value().compareTo(r.id.value()) < 0);
  }

  private void countAgain(RefRecord r) {
    sharers(r).forEach(other -> table.saveSize(other, RefRecord.NOT_COUNTED));
  }

  /** The others that have the same directory. */
  private Stream<RefRecord> sharers(RefRecord r) {
    return ofContent(r).filter(other -> other != r && r.layer != 0 && other.layer == r.layer);
  }

  private Stream<RefRecord> ofContent(RefRecord r) {
    return r.chainId.stream()
        .flatMap(chain -> byChain.getOrDefault(chain, Collections.emptySortedSet()).stream());
  }
}
