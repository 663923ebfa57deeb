package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import dev.kiln.llb.Edge;
import dev.kiln.llb.Vertex;
import dev.kiln.model.Digest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The vertices that builds use now, with the actor of each, and how they are made from each other.
 * The graph's thread only, but for {@link #scopes}.
 */
final class ActiveVertices {
  /** An active vertex. */
  static final class Entry {
    final Vertex vertex;
    final VertexScope scope;
    final ActorRef<VertexActor.Command> actor;

    /** What its op builds within itself. */
    final Set<Digest> children = new HashSet<>();

    /** By output, the edge of another vertex that was found equal. */
    final Map<Integer, Edge> moved = new HashMap<>();

    /** How many ops it lies within. */
    int depth;

    boolean stopping;

    Entry(Vertex vertex, VertexScope scope, ActorRef<VertexActor.Command> actor) {
      this.vertex = vertex;
      this.scope = scope;
      this.actor = actor;
    }
  }

  private final Map<Digest, Entry> active = new HashMap<>();
  private final Map<Digest, VertexScope> scopes = new ConcurrentHashMap<>();
  private final Map<ActorRef<?>, Digest> byActor = new HashMap<>();

  void add(Entry entry) {
    Digest digest = entry.vertex.digest();
    active.put(digest, entry);
    scopes.put(digest, entry.scope);
    byActor.put(entry.actor, digest);
  }

  /** Takes out the vertex of an actor that ended; absent where it is none of a vertex. */
  Optional<Entry> remove(ActorRef<?> actor) {
    Digest digest = byActor.remove(actor);
    if (digest == null) {
      return Optional.empty();
    }
    scopes.remove(digest);
    return Optional.ofNullable(active.remove(digest));
  }

  /** The vertex of that digest, also while it is being stopped. */
  Optional<Entry> find(Digest digest) {
    return Optional.ofNullable(active.get(digest));
  }

  /** The vertex of that digest, unless it is being stopped. */
  Optional<Entry> live(Digest digest) {
    return find(digest).filter(entry -> !entry.stopping);
  }

  Entry get(Digest digest) {
    return find(digest)
        .orElseThrow(() -> new IllegalStateException("inputs come first: " + digest));
  }

  boolean isStopping(Digest digest) {
    return find(digest).filter(entry -> entry.stopping).isPresent();
  }

  Collection<Entry> all() {
    return active.values();
  }

  /** The scopes of all, by digest; any thread reads. */
  Map<Digest, VertexScope> scopes() {
    return scopes;
  }

  /**
   * Whether an active edge may be replaced by another one that was found equal: not where one is
   * made from the other, nor by one that stops, has moved itself, or used a cache that this one may
   * not.
   */
  boolean mayMerge(Edge edge, Edge other) {
    Optional<Entry> target = live(other.vertex());
    return !edge.equals(other)
        && target.isPresent()
        && !target.get().moved.containsKey(other.index())
        && (target.get().vertex.options().ignoreCache()
            || !get(edge.vertex()).vertex.options().ignoreCache())
        && !reaches(other.vertex(), edge.vertex())
        && !reaches(edge.vertex(), other.vertex());
  }

  /** The vertex itself and all that are made from it, merges followed. */
  Set<Digest> madeFrom(Digest digest) {
    var consumers = new HashMap<Digest, List<Digest>>();
    active.forEach((consumer, entry) ->
        needs(entry)
            .forEach(
                need -> consumers.computeIfAbsent(need, _ -> new ArrayList<>()).add(consumer)));
    var found = new HashSet<Digest>();
    var queue = new ArrayDeque<>(List.of(digest));
    while (!queue.isEmpty()) {
      Digest next = queue.poll();
      if (found.add(next)) {
        queue.addAll(consumers.getOrDefault(next, List.of()));
      }
    }
    return found;
  }

  /** What a vertex is made from, at the next step. */
  private static Stream<Digest> needs(Entry entry) {
    return Stream.of(
            entry.vertex.inputs().stream().map(Edge::vertex),
            entry.moved.values().stream().map(Edge::vertex),
            entry.children.stream())
        .flatMap(each -> each);
  }

  /** Whether {@code from} is {@code to} or is made from it, merges followed. */
  boolean reaches(Digest from, Digest to) {
    return reaches(List.of(from), to);
  }

  /** Whether one of them is {@code to} or is made from it, in one walk. */
  boolean reaches(List<Digest> from, Digest to) {
    var queue = new ArrayDeque<>(from);
    var seen = new HashSet<Digest>();
    while (!queue.isEmpty()) {
      Digest next = queue.poll();
      if (next.equals(to)) {
        return true;
      }
      Entry entry = active.get(next);
      if (entry == null || !seen.add(next)) {
        continue;
      }
      needs(entry).forEach(queue::add);
    }
    return false;
  }
}
