package dev.kiln.actors;

import dev.kiln.actors.CacheTable.KeyRef;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What is known of one edge and what is under way for it; {@link Edges} makes the next one.
 * Immutable.
 *
 * @param wanted the highest level that somebody wants
 * @param maps the op's cache maps so far
 * @param probes answers of caches that are waited for
 * @param seen keys that every input leads to, as the caches call them
 * @param keys the same, with all that they are made from
 * @param candidates records to load, the best one first
 * @param tried records that could not be loaded
 * @param claim whether the graph agreed that this edge, and no equal one, is built
 */
record EdgeState(
    Level level,
    Level wanted,
    boolean ignoreCache,
    List<CacheMap> maps,
    boolean mapPending,
    List<Input> inputs,
    int probes,
    Set<KeyRef> seen,
    List<CacheKey> keys,
    List<Candidate> candidates,
    Set<CacheKey.Found> tried,
    Claim claim,
    Work work,
    Optional<Done> done,
    Optional<BuildException> failed) {

  /** Where a claim stands. */
  enum Claim {
    NONE,
    PENDING,
    OWNED
  }

  /** What an edge does to get its result; a stopped work still has to end. */
  enum Work {
    NONE,
    LOADING,
    RUNNING,
    STOPPING
  }

  /** Where the key of an input by its content stands. */
  enum Content {
    UNKNOWN,
    PENDING,
    KNOWN
  }

  /** A result, and its keys. */
  record Done(Optional<ResultId> result, List<CacheKey> keys) {
    Done {
      keys = List.copyOf(keys);
    }
  }

  /** A record that would be the result, and the key that it lies under. */
  record Candidate(CacheKey key, CacheKey.Found found) {
    /** Newest first, then local before imported (features V-29). */
    static final Comparator<Candidate> BEST_FIRST =
        Comparator.comparing((Candidate c) -> c.found().record().createdAt())
            .reversed()
            .thenComparing(c -> !c.found().table().id().equals(CacheIndex.LOCAL));
  }

  /**
   * What is known of one input.
   *
   * @param asked the level that was asked of it; {@code INITIAL} is nothing
   * @param matches keys of this edge that the input's keys lead to
   */
  record Input(
      Level asked,
      Level level,
      List<CacheKey> keys,
      Set<KeyRef> matches,
      Optional<Done> done,
      Content content,
      Optional<CacheKey> contentKey) {
    static final Input UNKNOWN =
        new Input(
            Level.INITIAL,
            Level.INITIAL,
            List.of(),
            Set.of(),
            Optional.empty(),
            Content.UNKNOWN,
            Optional.empty());

    /** Its result's keys where it has one, else those that it is known by so far. */
    List<CacheKey> keysByDefinition() {
      return done.map(Done::keys).orElse(keys);
    }

    /** The same with the part of the input that counts for them, then the key by its content. */
    List<CacheKey.Dep> deps(Optional<Digest> selector) {
      var deps = new java.util.ArrayList<CacheKey.Dep>();
      keysByDefinition().forEach(k -> deps.add(new CacheKey.Dep(selector, k)));
      contentKey.ifPresent(k -> deps.add(new CacheKey.Dep(Optional.empty(), k)));
      return deps;
    }

    Input asked(Level now) {
      return new Input(now, level, keys, matches, done, content, contentKey);
    }

    Input at(Level now, List<CacheKey> nowKeys, Optional<Done> nowDone) {
      return new Input(
          asked, Level.max(level, now), nowKeys, matches, nowDone, content, contentKey);
    }

    Input matching(Set<KeyRef> now) {
      return new Input(asked, level, keys, now, done, content, contentKey);
    }

    Input content(Content now, Optional<CacheKey> key) {
      return new Input(asked, level, keys, matches, done, now, key);
    }
  }

  static EdgeState initial(int inputs, boolean ignoreCache) {
    return new EdgeState(
        Level.INITIAL,
        Level.INITIAL,
        ignoreCache,
        List.of(),
        false,
        java.util.Collections.nCopies(inputs, Input.UNKNOWN),
        0,
        Set.of(),
        List.of(),
        List.of(),
        Set.of(),
        Claim.NONE,
        Work.NONE,
        Optional.empty(),
        Optional.empty());
  }

  boolean ended() {
    return done.isPresent() || failed.isPresent();
  }

  /** The keys that consumers may use: those found, then those of the result. */
  List<CacheKey> announcedKeys() {
    if (done.isEmpty() || keys.equals(done.get().keys())) {
      return keys;
    }
    var all = new java.util.ArrayList<>(keys);
    done.get().keys().stream().filter(k -> !keys.contains(k)).forEach(all::add);
    return List.copyOf(all);
  }

  /** Whether anything is under way that will bring a further event. */
  boolean busy() {
    return mapPending
        || probes > 0
        || claim == Claim.PENDING
        || work != Work.NONE
        || inputs.stream()
            .anyMatch(i -> i.content() == Content.PENDING || i.level().below(i.asked()));
  }
}
