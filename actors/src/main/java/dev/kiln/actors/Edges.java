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
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What one edge does next. A function of state and event to the next state and effects, and of
 * nothing else: what a cache knows is asked for by an effect and comes as an event. {@link
 * VertexActor} carries the effects out.
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
  private Edges() {}

  record Step(EdgeState next, List<EdgeEffect> effects) {}

  static Step on(EdgeState before, EdgeEvent event) {
    var effects = new ArrayList<EdgeEffect>();
    var draft = new Draft(before, effects);
    draft.take(event);
    if (draft.probes == 0) { // else the caches' answer is waited for, which comes at once
      draft.rise();
      draft.pursue();
    }
    EdgeState next = draft.freeze();
    if (next.level() != before.level()
        || next.keys().size() != before.keys().size()
        || next.ended() && !before.ended()) {
      effects.add(new EdgeEffect.Announce());
    }
    if (!next.ended() && next.level().below(next.wanted()) && !next.busy()) {
      throw new IllegalStateException(
          "edge stalls at " + next.level() + ", wanted " + next.wanted() + ", after " + event);
    }
    return new Step(next, effects);
  }

  /** The edge's next state on its way; used for one event. */
  private static final class Draft {
    private final EdgeState before;
    private final List<EdgeEffect> effects;
    private int probes;
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

    Draft(EdgeState s, List<EdgeEffect> effects) {
      this.effects = effects;
      before = s;
      probes = s.probes();
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
          probes,
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

    void take(EdgeEvent event) {
      switch (event) {
        case EdgeEvent.Wanted(var upTo) -> wanted = upTo;
        case EdgeEvent.MapReady(var map) -> onMap(map);
        case EdgeEvent.MapStopped() -> mapPending = false;
        case EdgeEvent.InputAt(var i, var at, var inputKeys, var inputDone) ->
            onInput(i, at, inputKeys, inputDone);
        case EdgeEvent.InputMoved(var i) -> {
          inputs.set(i, inputs.get(i).asked(Level.INITIAL));
          unclaim(); // an edge with that input may be under way
        }
        case EdgeEvent.ContentReady(var i, var key) -> onContent(i, key);
        case EdgeEvent.ContentStopped(var i) ->
            inputs.set(i, inputs.get(i).content(Content.UNKNOWN, Optional.empty()));
        case EdgeEvent.Probed(var i, var refs) -> onProbed(i, refs);
        case EdgeEvent.RootProbed(var key) -> {
          probes--;
          key.ifPresent(this::found);
        }
        case EdgeEvent.Identified(var all) -> {
          probes--;
          all.forEach(this::found);
        }
        case EdgeEvent.ClaimGranted() -> claim = Claim.OWNED;
        case EdgeEvent.Completed(var result) -> {
          work = Work.NONE;
          if (!ended()) {
            done = Optional.of(result);
          }
        }
        case EdgeEvent.LoadFailed(var found) -> {
          work = Work.NONE;
          var all = new HashSet<>(tried);
          all.add(found);
          tried = Set.copyOf(all);
          candidates = candidates.stream().filter(c -> !c.found().equals(found)).toList();
          unclaim(); // more keys are known when it comes to building
        }
        case EdgeEvent.WorkStopped() -> work = Work.NONE;
        case EdgeEvent.Failed(var cause) -> {
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
        probes++;
        effects.add(new EdgeEffect.ProbeRoot(map.digest()));
        return;
      }
      for (int i = 0; i < inputs.size(); i++) {
        probe(i, inputs.get(i).keys());
      }
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
      if (!maps.isEmpty() && !before.ignoreCache()) {
        probe(i, more);
      }
    }

    private void onContent(int i, Optional<CacheKey> key) {
      Input input = inputs.get(i);
      inputs.set(i, input.content(Content.KNOWN, key));
      if (key.isPresent() && !before.ignoreCache()) {
        // Together with the keys by definition, which then lead where the content's key leads.
        var deps = new ArrayList<CacheKey.Dep>();
        deps.add(new CacheKey.Dep(Optional.empty(), key.get()));
        Optional<Digest> selector = dep(i).selector();
        input.keys().forEach(k -> deps.add(new CacheKey.Dep(selector, k)));
        ask(i, deps);
      }
    }

    private void probe(int i, List<CacheKey> inputKeys) {
      if (!inputKeys.isEmpty()) {
        Optional<Digest> selector = dep(i).selector();
        ask(i, inputKeys.stream().map(k -> new CacheKey.Dep(selector, k)).toList());
      }
    }

    private void ask(int i, List<CacheKey.Dep> deps) {
      probes++;
      effects.add(new EdgeEffect.Probe(i, List.copyOf(deps), maps.getFirst().digest()));
    }

    private void onProbed(int i, Collection<KeyRef> refs) {
      probes--;
      Input input = inputs.get(i);
      if (!input.matches().containsAll(refs)) {
        var all = new LinkedHashSet<>(input.matches());
        all.addAll(refs);
        inputs.set(i, input.matching(all));
      }
      if (probes == 0) {
        intersect();
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
        deps.add(inputs.get(i).deps(dep(i).selector()));
      }
      probes++;
      effects.add(new EdgeEffect.Identify(List.copyOf(common), maps.getFirst().digest(), deps));
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

    void pursue() {
      Needs needs = needs();
      if (needs.map && !mapPending) {
        mapPending = true;
        effects.add(new EdgeEffect.FetchMap(maps.size()));
      } else if (!needs.map && mapPending && !ended()) {
        effects.add(new EdgeEffect.StopMap());
      } else if (mapPending && ended()) {
        effects.add(new EdgeEffect.StopMap());
      }
      for (int i = 0; i < inputs.size(); i++) {
        pursueInput(i, needs);
      }
      if (needs.claim && claim == Claim.NONE) {
        claim = Claim.PENDING;
        effects.add(new EdgeEffect.AskClaim());
      }
      if (work == Work.NONE && needs.load.isPresent()) {
        work = Work.LOADING;
        effects.add(new EdgeEffect.Load(needs.load.get()));
      } else if (work == Work.NONE && needs.run) {
        work = Work.RUNNING;
        effects.add(new EdgeEffect.Run());
      } else if (work == Work.LOADING && needs.load.isEmpty()
          || work == Work.RUNNING && !needs.run) {
        work = Work.STOPPING;
        effects.add(new EdgeEffect.StopWork());
      }
    }

    private void pursueInput(int i, Needs needs) {
      Input input = inputs.get(i);
      Level desired = needs.released ? Level.INITIAL : Level.max(needs.inputs[i], keep(input));
      if (desired != input.asked()) {
        inputs.set(i, input.asked(desired));
        if (input.done().isEmpty()) {
          effects.add(
              desired == Level.INITIAL
                  ? new EdgeEffect.Release(i)
                  : new EdgeEffect.Want(i, desired));
        }
      }
      if (needs.contents[i] && input.content() == Content.UNKNOWN) {
        inputs.set(i, inputs.get(i).content(Content.PENDING, Optional.empty()));
        effects.add(new EdgeEffect.FetchContent(i));
      } else if (!needs.contents[i] && input.content() == Content.PENDING) {
        effects.add(new EdgeEffect.StopContent(i));
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
}
