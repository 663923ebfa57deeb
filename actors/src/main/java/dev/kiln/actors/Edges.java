package dev.kiln.actors;

import dev.kiln.actors.CacheTable.KeyRef;
import dev.kiln.actors.EdgeState.Candidate;
import dev.kiln.actors.EdgeState.Claim;
import dev.kiln.actors.EdgeState.Content;
import dev.kiln.actors.EdgeState.Done;
import dev.kiln.actors.EdgeState.Input;
import dev.kiln.actors.EdgeState.Work;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What one edge does next. A function of state and event to the next state and effects; it holds no
 * actor, clock or disk, and sees caches through {@link Lookup} alone. {@link VertexActor} carries
 * the effects out.
 *
 * <p>After each event it works out what the edge needs ({@link #needs}) and turns the difference to
 * what is under way into effects, so that whatever is not needed any more is given up. An edge that
 * owes an answer always has something under way, else {@link #on} throws.
 *
 * <p>The order of looking: keys by definition of all inputs at once; then, for inputs that match
 * nothing, their keys by content, which need their result; then the same for inputs that do match.
 * An input that can lead nowhere ends the search, and everything is built.
 */
final class Edges {
  private final Lookup lookup;

  Edges(Lookup lookup) {
    this.lookup = lookup;
  }

  /** What caches know. Reads memory, never waits. */
  interface Lookup {
    /** Keys of this edge that these keys of an input lead to. */
    Collection<KeyRef> probe(int input, List<CacheKey.Dep> keys, KeyDigest digest);

    /** A key without inputs, as far as some cache knows it. */
    Optional<CacheKey> root(KeyDigest digest);

    /** A key found by its inputs. */
    CacheKey identify(KeyRef ref, KeyDigest digest, List<List<CacheKey.Dep>> deps);
  }

  sealed interface Event {}

  record Wanted(Level level) implements Event {}

  record MapReady(CacheMap map) implements Event {}

  record MapStopped() implements Event {}

  record InputAt(int input, Level level, List<CacheKey> keys, Optional<Done> done)
      implements Event {}

  /** The input is another edge from now on: what was asked must be asked there. */
  record InputMoved(int input) implements Event {}

  record ContentReady(int input, Optional<KeyDigest> key) implements Event {}

  record ContentStopped(int input) implements Event {}

  record ClaimGranted() implements Event {}

  record Completed(Done done) implements Event {}

  record LoadFailed(CacheKey.Found found) implements Event {}

  record WorkStopped() implements Event {}

  /** Something that the edge cannot do without failed. */
  record Failed(BuildException cause) implements Event {}

  sealed interface Effect {}

  record FetchMap(int index) implements Effect {}

  record StopMap() implements Effect {}

  /** Asks an input for this level instead of what was asked before. */
  record Want(int input, Level level) implements Effect {}

  record Release(int input) implements Effect {}

  record FetchContent(int input) implements Effect {}

  record StopContent(int input) implements Effect {}

  record AskClaim() implements Effect {}

  record Load(Candidate candidate) implements Effect {}

  record Run() implements Effect {}

  record StopWork() implements Effect {}

  /** Level, keys or result are new. */
  record Announce() implements Effect {}

  record Step(EdgeState next, List<Effect> effects) {}

  Step on(EdgeState before, Event event) {
    var draft = new Draft(before);
    draft.take(event);
    draft.rise();
    var effects = new ArrayList<Effect>();
    draft.pursue(effects);
    EdgeState next = draft.freeze();
    if (next.level() != before.level()
        || next.keys().size() != before.keys().size()
        || next.ended() && !before.ended()) {
      effects.add(new Announce());
    }
    if (!next.ended() && next.level().below(next.wanted()) && !next.busy()) {
      throw new IllegalStateException(
          "edge stalls at " + next.level() + ", wanted " + next.wanted() + ", after " + event);
    }
    return new Step(next, effects);
  }

  /** The edge's next state on its way; used for one event. */
  private final class Draft {
    private final EdgeState before;
    private final List<Input> inputs;
    private Level level;
    private Level wanted;
    private List<CacheMap> maps;
    private boolean mapPending;
    private Set<KeyRef> seen;
    private List<CacheKey> keys;
    private List<Candidate> candidates;
    private Set<CacheKey.Found> tried;
    private Claim claim;
    private Work work;
    private Optional<Done> done;
    private Optional<BuildException> failed;

    Draft(EdgeState s) {
      before = s;
      inputs = new ArrayList<>(s.inputs());
      level = s.level();
      wanted = s.wanted();
      maps = s.maps();
      mapPending = s.mapPending();
      seen = s.seen();
      keys = s.keys();
      candidates = s.candidates();
      tried = s.tried();
      claim = s.claim();
      work = s.work();
      done = s.done();
      failed = s.failed();
    }

    EdgeState freeze() {
      return new EdgeState(
          level,
          wanted,
          before.ignoreCache(),
          maps,
          mapPending,
          List.copyOf(inputs),
          seen,
          keys,
          candidates,
          tried,
          claim,
          work,
          done,
          failed);
    }

    // --- events

    void take(Event event) {
      switch (event) {
        case Wanted(var upTo) -> wanted = upTo;
        case MapReady(var map) -> onMap(map);
        case MapStopped() -> mapPending = false;
        case InputAt(var i, var at, var inputKeys, var inputDone) ->
            onInput(i, at, inputKeys, inputDone);
        case InputMoved(var i) -> {
          inputs.set(i, inputs.get(i).asked(Level.INITIAL));
          unclaim(); // an edge with that input may be under way
        }
        case ContentReady(var i, var key) -> onContent(i, key);
        case ContentStopped(var i) ->
            inputs.set(i, inputs.get(i).content(Content.UNKNOWN, Optional.empty()));
        case ClaimGranted() -> claim = Claim.OWNED;
        case Completed(var result) -> {
          work = Work.NONE;
          if (!ended()) {
            done = Optional.of(result);
          }
        }
        case LoadFailed(var found) -> {
          work = Work.NONE;
          var all = new HashSet<>(tried);
          all.add(found);
          tried = Set.copyOf(all);
          candidates = candidates.stream().filter(c -> !c.found().equals(found)).toList();
          unclaim(); // more keys are known when it comes to building
        }
        case WorkStopped() -> work = Work.NONE;
        case Failed(var cause) -> {
          work = Work.NONE;
          mapPending = false;
          if (!ended()) {
            failed = Optional.of(cause);
          }
        }
      }
    }

    private void unclaim() {
      if (claim == Claim.OWNED && work == Work.NONE) {
        claim = Claim.NONE;
      }
    }

    private void onMap(CacheMap map) {
      mapPending = false;
      var all = new ArrayList<>(maps);
      all.add(map);
      maps = List.copyOf(all);
      if (before.ignoreCache()) {
        return;
      }
      if (inputs.isEmpty()) {
        lookup.root(map.digest()).ifPresent(this::found);
        return;
      }
      for (int i = 0; i < inputs.size(); i++) {
        probe(i, inputs.get(i).keys());
      }
      intersect();
    }

    private void onInput(int i, Level at, List<CacheKey> all, Optional<Done> inputDone) {
      Input input = inputs.get(i);
      List<CacheKey> more = all.stream().filter(key -> !input.keys().contains(key)).toList();
      List<CacheKey> union = input.keys();
      if (!more.isEmpty()) {
        var both = new ArrayList<>(input.keys());
        both.addAll(more);
        union = List.copyOf(both);
      }
      inputs.set(i, input.at(at, union, inputDone));
      if (!more.isEmpty() && !maps.isEmpty() && !before.ignoreCache()) {
        probe(i, more);
        intersect();
      }
    }

    private void onContent(int i, Optional<KeyDigest> digest) {
      Input input = inputs.get(i);
      Optional<CacheKey> key = digest.map(CacheKey::content);
      inputs.set(i, input.content(Content.KNOWN, key));
      if (key.isPresent() && !before.ignoreCache()) {
        // Together with the keys by definition, which then lead where the content's key leads.
        var deps = new ArrayList<CacheKey.Dep>();
        deps.add(new CacheKey.Dep(Optional.empty(), key.get()));
        Optional<Digest> selector = dep(i).selector();
        input.keys().forEach(k -> deps.add(new CacheKey.Dep(selector, k)));
        match(i, deps);
        intersect();
      }
    }

    private void probe(int i, List<CacheKey> inputKeys) {
      if (!inputKeys.isEmpty()) {
        Optional<Digest> selector = dep(i).selector();
        match(i, inputKeys.stream().map(k -> new CacheKey.Dep(selector, k)).toList());
      }
    }

    private void match(int i, List<CacheKey.Dep> deps) {
      Collection<KeyRef> refs = lookup.probe(i, deps, maps.getFirst().digest());
      Input input = inputs.get(i);
      if (!input.matches().containsAll(refs)) {
        var all = new LinkedHashSet<>(input.matches());
        all.addAll(refs);
        inputs.set(i, input.matching(all));
      }
    }

    /** Finds the keys that every input leads to. */
    private void intersect() {
      var common = new LinkedHashSet<>(inputs.getFirst().matches());
      common.removeAll(seen);
      for (int i = 1; i < inputs.size() && !common.isEmpty(); i++) {
        common.retainAll(inputs.get(i).matches());
      }
      if (common.isEmpty()) {
        return;
      }
      var all = new HashSet<>(seen);
      all.addAll(common);
      seen = Set.copyOf(all);
      var deps = new ArrayList<List<CacheKey.Dep>>();
      for (int i = 0; i < inputs.size(); i++) {
        deps.add(depKeys(inputs.get(i), dep(i).selector()));
      }
      common.forEach(ref -> found(lookup.identify(ref, maps.getFirst().digest(), deps)));
    }

    private void found(CacheKey key) {
      var all = new ArrayList<>(keys);
      all.add(key);
      keys = List.copyOf(all);
      var more = new ArrayList<>(candidates);
      key.export().records().stream()
          .filter(r -> !tried.contains(r))
          .filter(r -> more.stream().noneMatch(c -> c.found().equals(r)))
          .map(r -> new Candidate(key, r))
          .forEach(more::add);
      more.sort(Candidate.BEST_FIRST);
      candidates = List.copyOf(more);
    }

    // --- what is known

    private boolean ended() {
      return done.isPresent() || failed.isPresent();
    }

    private CacheMap.Dep dep(int i) {
      List<CacheMap.Dep> deps = maps.getFirst().deps();
      return i < deps.size() ? deps.get(i) : CacheMap.Dep.PLAIN;
    }

    private boolean mapsComplete() {
      return !maps.isEmpty() && maps.getLast().complete();
    }

    /** Whether an input can bring no further key. */
    private boolean settled(int i) {
      Input input = inputs.get(i);
      return dep(i).hasContentKey()
          ? input.content() == Content.KNOWN
          : !input.level().below(Level.CACHE_SLOW);
    }

    /** Whether no cache can have this edge. */
    private boolean hopeless() {
      if (before.ignoreCache()) {
        return true;
      }
      for (int i = 0; i < inputs.size(); i++) {
        if (inputs.get(i).matches().isEmpty() && settled(i)) {
          return true;
        }
      }
      return false;
    }

    private boolean allSettled() {
      for (int i = 0; i < inputs.size(); i++) {
        if (!settled(i)) {
          return false;
        }
      }
      return true;
    }

    void rise() {
      level = Level.max(level, known());
    }

    private Level known() {
      if (done.isPresent()) {
        return Level.COMPLETE;
      }
      if (maps.isEmpty()) {
        return Level.INITIAL;
      }
      if (inputs.isEmpty()) {
        return mapsComplete() || !keys.isEmpty() ? Level.CACHE_SLOW : Level.INITIAL;
      }
      if (hopeless() || allSettled()) {
        return Level.CACHE_SLOW;
      }
      boolean allFast = true;
      boolean allSlowOrMatch = true;
      for (Input input : inputs) {
        allFast &= !input.level().below(Level.CACHE_FAST);
        allSlowOrMatch &= !input.level().below(Level.CACHE_SLOW) || !input.matches().isEmpty();
      }
      // A record is at hand: to look at contents for further keys would cost more than to load it.
      if (allSlowOrMatch && !candidates.isEmpty()) {
        return Level.CACHE_SLOW;
      }
      return allFast ? Level.CACHE_FAST : Level.INITIAL;
    }

    // --- what to do

    void pursue(List<Effect> effects) {
      Needs needs = needs();
      if (needs.map && !mapPending) {
        mapPending = true;
        effects.add(new FetchMap(maps.size()));
      } else if (!needs.map && mapPending && !ended()) {
        effects.add(new StopMap());
      } else if (mapPending && ended()) {
        effects.add(new StopMap());
      }
      for (int i = 0; i < inputs.size(); i++) {
        pursueInput(i, needs, effects);
      }
      if (needs.claim && claim == Claim.NONE) {
        claim = Claim.PENDING;
        effects.add(new AskClaim());
      }
      if (work == Work.NONE && needs.load.isPresent()) {
        work = Work.LOADING;
        effects.add(new Load(needs.load.get()));
      } else if (work == Work.NONE && needs.run) {
        work = Work.RUNNING;
        effects.add(new Run());
      } else if (work == Work.LOADING && needs.load.isEmpty()
          || work == Work.RUNNING && !needs.run) {
        work = Work.STOPPING;
        effects.add(new StopWork());
      }
    }

    private void pursueInput(int i, Needs needs, List<Effect> effects) {
      Input input = inputs.get(i);
      Level desired = needs.released ? Level.INITIAL : Level.max(needs.inputs[i], keep(input));
      if (desired != input.asked()) {
        inputs.set(i, input.asked(desired));
        if (input.done().isEmpty()) {
          effects.add(desired == Level.INITIAL ? new Release(i) : new Want(i, desired));
        }
      }
      if (needs.contents[i] && input.content() == Content.UNKNOWN) {
        inputs.set(i, inputs.get(i).content(Content.PENDING, Optional.empty()));
        effects.add(new FetchContent(i));
      } else if (!needs.contents[i] && input.content() == Content.PENDING) {
        effects.add(new StopContent(i));
      }
    }

    /** What an input gave already costs nothing to keep. */
    private static Level keep(Input input) {
      return Level.min(input.asked(), input.level());
    }

    private Needs needs() {
      var needs = new Needs(inputs.size());
      if (ended() || !level.below(wanted)) {
        needs.released = ended() || wanted == Level.INITIAL;
        return needs;
      }
      boolean complete = wanted == Level.COMPLETE;
      if (complete && !candidates.isEmpty()) {
        needs.released = true;
        needs.claim = claim != Claim.OWNED;
        if (claim == Claim.OWNED) {
          needs.load = Optional.of(candidates.getFirst());
        }
        return needs;
      }
      needs.map = !mapsComplete();
      if (maps.isEmpty()) {
        java.util.Arrays.fill(needs.inputs, Level.CACHE_FAST);
        return needs;
      }
      if (inputs.isEmpty()) {
        needs.claim = complete && mapsComplete() && claim != Claim.OWNED;
        needs.run = complete && mapsComplete() && claim == Claim.OWNED;
        return needs;
      }
      if (complete && (hopeless() || allSettled())) {
        build(needs);
      } else {
        search(needs);
      }
      return needs;
    }

    private void build(Needs needs) {
      boolean ready = true;
      for (int i = 0; i < inputs.size(); i++) {
        Input input = inputs.get(i);
        needs.inputs[i] = Level.COMPLETE;
        boolean looks = dep(i).hasContentKey() || dep(i).prepares();
        needs.contents[i] = looks && input.done().isPresent();
        ready &= input.done().isPresent() && (!looks || input.content() == Content.KNOWN);
      }
      needs.claim = ready && claim != Claim.OWNED;
      needs.run = ready && claim == Claim.OWNED;
    }

    private void search(Needs needs) {
      boolean open = false; // some input that matches nothing may still do so
      for (int i = 0; i < inputs.size(); i++) {
        open |= inputs.get(i).matches().isEmpty() && !settled(i);
      }
      for (int i = 0; i < inputs.size(); i++) {
        Input input = inputs.get(i);
        needs.inputs[i] = Level.CACHE_FAST;
        boolean later = open && !input.matches().isEmpty();
        if (later || settled(i) || wanted.below(Level.CACHE_SLOW)) {
          continue;
        }
        if (!input.level().below(Level.CACHE_FAST)) {
          needs.inputs[i] = Level.CACHE_SLOW;
        }
        if (dep(i).hasContentKey() && !input.level().below(Level.CACHE_SLOW)) {
          needs.inputs[i] = Level.COMPLETE;
          needs.contents[i] = input.done().isPresent();
        }
      }
    }
  }

  /** What an edge needs now, apart from what is under way. */
  private static final class Needs {
    boolean map;
    boolean released;
    boolean claim;
    boolean run;
    Optional<Candidate> load = Optional.empty();
    final Level[] inputs;
    final boolean[] contents;

    Needs(int count) {
      inputs = new Level[count];
      java.util.Arrays.fill(inputs, Level.INITIAL);
      contents = new boolean[count];
    }
  }

  /** The keys of an input: its result's where it has one, then the one by its content. */
  static List<CacheKey.Dep> depKeys(Input input, Optional<Digest> selector) {
    var deps = new ArrayList<CacheKey.Dep>();
    input.keysByDefinition().forEach(k -> deps.add(new CacheKey.Dep(selector, k)));
    input.contentKey().ifPresent(k -> deps.add(new CacheKey.Dep(Optional.empty(), k)));
    return deps;
  }
}
