package dev.kiln.remotecache.graph;

import dev.kiln.actors.CacheKey;
import dev.kiln.actors.CacheKey.Found;
import dev.kiln.actors.CacheRecord;
import dev.kiln.actors.CacheTable;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import dev.kiln.remotecache.graph.KeyGraph.Node;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Collects what an export writes: from the key of a build's result back through all that it is made
 * from, each key with the ways by which caches know it and, as the mode asks, a result. Confined to
 * one thread. Source of the rules: BuildKit v0.22.0, {@code solver/exporter.go}.
 */
public final class CacheWalk {
  /** Which results are exported. */
  public enum Mode {
    /** Those of the build's result, and others whose layers are packed already. */
    MIN,
    /** All, packed where they are not yet. */
    MAX
  }

  /** Finds the layers of results. */
  @FunctionalInterface
  public interface Results {
    /**
     * The packed layers of a record, bottom first; empty where it is gone.
     *
     * @param make whether layers are packed where they are not yet, else that is empty too
     */
    Optional<List<ChainLayer>> layers(Found found, boolean make) throws InterruptedException;
  }

  private record Place(CacheTable table, String key) {}

  private record Visit(CacheKey key, boolean make) {}

  private final KeyGraph graph;
  private final List<CacheTable> tables;
  private final Mode mode;
  private final Results results;
  private final Map<CacheKey, Optional<Node>> nodes = new IdentityHashMap<>();
  private final Map<CacheKey, Optional<Found>> best = new IdentityHashMap<>();
  private final Map<CacheKey, Boolean> visited = new IdentityHashMap<>();
  private final Map<Place, Optional<Node>> places = new HashMap<>();
  private final Deque<Place> unexpanded = new ArrayDeque<>();

  /**
   * @param graph what is collected goes there
   * @param tables the caches that the build looked into, the local one first
   */
  public CacheWalk(KeyGraph graph, List<CacheTable> tables, Mode mode, Results results) {
    this.graph = graph;
    this.tables = List.copyOf(tables);
    this.mode = mode;
    this.results = results;
  }

  /** Collects a result's key and all before it; may be called again for further results. */
  public void add(CacheKey key) throws InterruptedException {
    Deque<Visit> queue = new ArrayDeque<>();
    queue.push(new Visit(key, true));
    while (!queue.isEmpty()) {
      Visit visit = queue.pop();
      if (visited.put(visit.key(), true) != null) {
        continue;
      }
      boolean make = visit(visit);
      List<List<CacheKey.Dep>> deps = visit.key().deps();
      for (int i = deps.size() - 1; i >= 0; i--) {
        deps.get(i).reversed().forEach(dep -> queue.push(new Visit(dep.key(), make)));
      }
      expand();
    }
  }

  /** Whether results before this one are to be made. */
  private boolean visit(Visit visit) throws InterruptedException {
    CacheKey key = visit.key();
    Optional<Node> node = node(key);
    if (node.isEmpty()) {
      return visit.make();
    }
    node.get().inputs(key.deps().size());
    for (int i = 0; i < key.deps().size(); i++) {
      for (CacheKey.Dep dep : key.deps().get(i)) {
        for (Node from : alternatives(dep.key())) {
          node.get().link(i, from, dep.selector());
        }
      }
    }
    if (key.isRoot() || !key.export().exportCache().orElse(true)) {
      return visit.make();
    }
    Optional<Found> found = best(key);
    Optional<List<ChainLayer>> layers =
        found.isPresent() ? results.layers(found.get(), visit.make()) : Optional.empty();
    if (layers.isEmpty() || layers.get().isEmpty()) {
      return visit.make();
    }
    node.get().result(new Chain(layers.get(), found.orElseThrow().record().createdAt()));
    return visit.make() && mode == Mode.MAX;
  }

  /** The key's place in the graph; none for a key that must not leave the daemon. */
  private Optional<Node> node(CacheKey key) {
    Optional<Node> known = nodes.get(key);
    if (known != null) {
      return known;
    }
    var at = new ArrayList<Place>();
    for (CacheTable table : tables) {
      table.idOf(key).filter(table::exists).ifPresent(id -> at.add(new Place(table, id)));
    }
    KeyDigest digest = key.rootId();
    Optional<Node> node = Optional.empty();
    if (!digest.isRandom()) {
      node =
          at.stream()
              .flatMap(place -> places.getOrDefault(place, Optional.empty()).stream())
              .findFirst()
              .or(() -> Optional.of(graph.add(new Digest(digest.value()))));
    }
    nodes.put(key, node);
    for (Place place : at) {
      if (places.putIfAbsent(place, node) == null && node.isPresent()) {
        unexpanded.add(place);
      }
    }
    return node;
  }

  /** The key, and for one without inputs the others that are known for the same result. */
  private List<Node> alternatives(CacheKey key) {
    var all = new ArrayList<Node>();
    node(key).ifPresent(all::add);
    if (key.isRoot()) {
      Optional<Found> found = best(key);
      if (found.isPresent()) {
        CacheTable table = found.get().table();
        table.keysOf(found.get().record().id()).stream()
            .filter(Digest::isValid)
            .sorted()
            .forEach(
                id -> node(new Place(table, id)).filter(n -> !all.contains(n)).ifPresent(all::add));
      }
    }
    return all;
  }

  /** The newest record, a local one rather than another. */
  private Optional<Found> best(CacheKey key) {
    Optional<Found> known = best.get(key);
    if (known == null) {
      var all = new LinkedHashMap<CacheRecord, Found>();
      CacheTable local = tables.getFirst();
      local
          .idOf(key)
          .ifPresent(id -> local.records(id).forEach(r -> all.put(r, new Found(local, r))));
      key.export().records().forEach(found -> all.putIfAbsent(found.record(), found));
      known =
          all.values().stream()
              .max(
                  Comparator.comparing((Found f) -> f.record().createdAt())
                      .thenComparing(f -> f.table() == local));
      best.put(key, known);
    }
    return known;
  }

  private Optional<Node> node(Place place) {
    Optional<Node> known = places.get(place);
    if (known == null) {
      Set<CacheTable.Backlink> back = place.table().backlinks(place.key());
      String digest =
          back.stream().map(b -> b.link().outsideDigest().value()).findFirst().orElse(place.key());
      known =
          Digest.isValid(digest) ? Optional.of(graph.add(new Digest(digest))) : Optional.empty();
      places.put(place, known);
      if (known.isPresent()) {
        unexpanded.add(place);
      }
    }
    return known;
  }

  /** Adds the other ways by which caches lead to the keys so far. */
  private void expand() {
    while (!unexpanded.isEmpty()) {
      Place place = unexpanded.poll();
      Optional<Node> to = places.getOrDefault(place, Optional.empty());
      if (to.isEmpty()) {
        continue;
      }
      place.table().backlinks(place.key()).stream()
          .sorted(Comparator.comparing(b -> b.toString()))
          .forEach(back ->
              node(new Place(place.table(), back.from()))
                  .ifPresent(
                      from -> to.get().link(back.link().input(), from, back.link().selector())));
    }
  }
}
