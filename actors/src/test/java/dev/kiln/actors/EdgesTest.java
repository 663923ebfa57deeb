package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.actors.CacheTable.KeyRef;
import dev.kiln.actors.EdgeState.Done;
import dev.kiln.model.BuildException;
import dev.kiln.model.KeyDigest;
import dev.kiln.model.Kind;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** One edge event by event; the lookup is a table of which input key leads to which key. */
final class EdgesTest {
  private static final CacheTable TABLE =
      new CacheTable(CacheIndex.LOCAL, (r, c) -> r.result(), c -> {});
  private static final KeyDigest OP = KeyDigest.of("op");
  private static final CacheKey KEY = new CacheKey(KeyDigest.of("input"), 0, List.of());
  private final Map<String, String> leads = new HashMap<>();
  private final Map<String, List<CacheKey.Found>> records = new HashMap<>();
  private final Table caches = new Table();
  private EdgeState state = EdgeState.initial(0, false);

  private final class Table implements CacheIndex.Lookup {
    @Override
    public Collection<KeyRef> probe(int input, List<CacheKey.Dep> keys, KeyDigest digest) {
      return keys.stream()
          .map(k -> leads.get(input + ":" + k.key().digest()))
          .filter(java.util.Objects::nonNull)
          .map(id -> new KeyRef(TABLE, id))
          .toList();
    }

    @Override
    public Optional<CacheKey> root(KeyDigest digest) {
      return Optional.ofNullable(records.get(digest.value()))
          .map(found -> key(digest, List.of(), found));
    }

    @Override
    public CacheKey identify(KeyRef ref, KeyDigest digest, List<List<CacheKey.Dep>> deps) {
      return key(digest, deps, records.getOrDefault(ref.id(), List.of()));
    }

    private CacheKey key(
        KeyDigest digest, List<List<CacheKey.Dep>> deps, List<CacheKey.Found> found) {
      var key = new CacheKey(digest, 0, deps);
      key.export(new CacheKey.Export(Optional.empty(), Optional.empty(), found));
      return key;
    }
  }

  private static CacheKey.Found record(String id) {
    return new CacheKey.Found(TABLE, new CacheRecord(id, Instant.EPOCH));
  }

  /** What the edge does, once the caches have answered what it asked of them. */
  private List<EdgeEffect> on(EdgeEvent event) {
    var effects = new ArrayList<EdgeEffect>();
    var events = new ArrayDeque<>(List.of(event));
    while (!events.isEmpty()) {
      EdgeEvent next = events.poll();
      Edges.Step step = Edges.on(state, next);
      assertThat(Edges.on(state, next)).as("the same again").isEqualTo(step);
      state = step.next();
      for (EdgeEffect effect : step.effects()) {
        switch (effect) {
          case EdgeEffect.Probe(var input, var keys, var digest) ->
              events.add(new EdgeEvent.Probed(input, caches.probe(input, keys, digest)));
          case EdgeEffect.ProbeRoot(var digest) ->
              events.add(new EdgeEvent.RootProbed(caches.root(digest)));
          case EdgeEffect.Identify(var refs, var digest, var deps) ->
              events.add(
                  new EdgeEvent.Identified(
                      refs.stream().map(ref -> caches.identify(ref, digest, deps)).toList()));
          default -> effects.add(effect);
        }
      }
    }
    return effects;
  }

  private static CacheMap map(int inputs, boolean content) {
    return CacheMap.of(
        OP,
        java.util.Collections.nCopies(inputs, new CacheMap.Dep(Optional.empty(), content, false)));
  }

  private static Done done(String id) {
    return new Done(Optional.of(new ResultId(id)), List.of(KEY));
  }

  private static EdgeEvent.InputAt at(int input, Level level, CacheKey... keys) {
    return new EdgeEvent.InputAt(input, level, List.of(keys), Optional.empty());
  }

  private static EdgeEvent.InputAt complete(int input) {
    return new EdgeEvent.InputAt(input, Level.COMPLETE, List.of(KEY), Optional.of(done("in")));
  }

  @Test
  void rootAsksItsKeyThenClaimsThenRuns() {
    assertThat(on(new EdgeEvent.Wanted(Level.COMPLETE)))
        .containsExactly(new EdgeEffect.FetchMap(0));
    assertThat(on(new EdgeEvent.MapReady(map(0, false))))
        .containsExactly(new EdgeEffect.AskClaim(), new EdgeEffect.Announce());
    assertThat(on(new EdgeEvent.ClaimGranted())).containsExactly(new EdgeEffect.Run());
    assertThat(on(new EdgeEvent.Completed(done("r")))).containsExactly(new EdgeEffect.Announce());
    assertThat(state.level()).isEqualTo(Level.COMPLETE);
  }

  @Test
  void rootThatIsKnownLoads() {
    records.put(OP.value(), List.of(record("r")));
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    on(new EdgeEvent.MapReady(map(0, false)));
    assertThat(on(new EdgeEvent.ClaimGranted()))
        .singleElement()
        .isInstanceOfSatisfying(
            EdgeEffect.Load.class, l -> assertThat(l.candidate().found()).isEqualTo(record("r")));
  }

  @Test
  void rootAsksForItsNextKeyOnlyWithoutARecord() {
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    var first = new CacheMap(KeyDigest.of("one"), List.of(), false, Map.of());
    assertThat(on(new EdgeEvent.MapReady(first))).containsExactly(new EdgeEffect.FetchMap(1));
    records.put(OP.value(), List.of(record("r")));
    assertThat(on(new EdgeEvent.MapReady(map(0, false))))
        .contains(new EdgeEffect.AskClaim())
        .doesNotContain(new EdgeEffect.FetchMap(2));
  }

  @Test
  void keyAndInputsAreAskedAtOnce() {
    state = EdgeState.initial(2, false);
    assertThat(on(new EdgeEvent.Wanted(Level.COMPLETE)))
        .containsExactly(
            new EdgeEffect.FetchMap(0),
            new EdgeEffect.Want(0, Level.CACHE_FAST),
            new EdgeEffect.Want(1, Level.CACHE_FAST));
  }

  @Test
  void firstDefiniteMatchLetsInputsGo() {
    state = EdgeState.initial(1, false);
    leads.put("0:" + KEY.digest(), "k");
    records.put("k", List.of(record("r")));
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    on(new EdgeEvent.MapReady(map(1, false)));
    assertThat(on(at(0, Level.INITIAL, KEY)))
        .contains(new EdgeEffect.Release(0), new EdgeEffect.AskClaim());
    assertThat(on(new EdgeEvent.ClaimGranted())).hasOnlyElementsOfType(EdgeEffect.Load.class);
  }

  @Test
  void failedLoadTriesTheNextRecordThenBuilds() {
    state = EdgeState.initial(1, false);
    leads.put("0:" + KEY.digest(), "k");
    records.put("k", List.of(record("r1"), record("r2")));
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    on(new EdgeEvent.MapReady(map(1, false)));
    on(at(0, Level.CACHE_SLOW, KEY));
    on(new EdgeEvent.ClaimGranted());
    on(new EdgeEvent.LoadFailed(record("r1")));
    assertThat(on(new EdgeEvent.ClaimGranted()))
        .singleElement()
        .isInstanceOfSatisfying(
            EdgeEffect.Load.class, l -> assertThat(l.candidate().found()).isEqualTo(record("r2")));
    assertThat(on(new EdgeEvent.LoadFailed(record("r2"))))
        .containsExactly(new EdgeEffect.Want(0, Level.COMPLETE));
    on(complete(0));
    assertThat(on(new EdgeEvent.ClaimGranted())).containsExactly(new EdgeEffect.Run());
  }

  @Test
  void inputThatLeadsNowhereEndsTheSearch() {
    state = EdgeState.initial(2, false);
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    on(new EdgeEvent.MapReady(map(2, false)));
    assertThat(on(at(0, Level.CACHE_SLOW)))
        .contains(new EdgeEffect.Want(0, Level.COMPLETE), new EdgeEffect.Want(1, Level.COMPLETE));
    assertThat(state.level()).isEqualTo(Level.CACHE_SLOW);
  }

  @Test
  void contentIsLookedAtOnlyAfterSlowKeys() {
    state = EdgeState.initial(1, false);
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    on(new EdgeEvent.MapReady(map(1, true)));
    assertThat(on(at(0, Level.CACHE_FAST))).contains(new EdgeEffect.Want(0, Level.CACHE_SLOW));
    assertThat(on(at(0, Level.CACHE_SLOW))).containsExactly(new EdgeEffect.Want(0, Level.COMPLETE));
    assertThat(on(complete(0))).containsExactly(new EdgeEffect.FetchContent(0));
    KeyDigest content = KeyDigest.of("content");
    leads.put("0:" + content, "k");
    records.put("k", List.of(record("r")));
    assertThat(on(new EdgeEvent.ContentReady(0, Optional.of(CacheKey.content(content)))))
        .contains(new EdgeEffect.AskClaim());
    assertThat(on(new EdgeEvent.ClaimGranted())).hasOnlyElementsOfType(EdgeEffect.Load.class);
  }

  @Test
  void inputThatMatchesWaitsForThoseThatDoNot() {
    state = EdgeState.initial(2, false);
    leads.put("0:" + KEY.digest(), "k");
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    on(new EdgeEvent.MapReady(map(2, true)));
    on(at(0, Level.CACHE_SLOW, KEY));
    assertThat(on(at(1, Level.CACHE_SLOW)))
        .contains(new EdgeEffect.Want(1, Level.COMPLETE))
        .doesNotContain(new EdgeEffect.Want(0, Level.COMPLETE));
  }

  @Test
  void recordAtHandIsEnoughForAConsumerThatLooksFurther() {
    state = EdgeState.initial(1, false);
    leads.put("0:" + KEY.digest(), "k");
    records.put("k", List.of(record("r")));
    on(new EdgeEvent.Wanted(Level.CACHE_SLOW));
    on(new EdgeEvent.MapReady(map(1, true)));
    on(at(0, Level.CACHE_FAST, KEY));
    assertThat(state.level()).isEqualTo(Level.CACHE_SLOW);
    assertThat(state.busy()).isFalse();
  }

  @Test
  void ignoreCacheNeverLooks() {
    state = EdgeState.initial(1, true);
    leads.put("0:" + KEY.digest(), "k");
    records.put("k", List.of(record("r")));
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    on(new EdgeEvent.MapReady(map(1, false)));
    on(complete(0));
    assertThat(on(new EdgeEvent.ClaimGranted())).containsExactly(new EdgeEffect.Run());
    assertThat(state.keys()).isEmpty();
  }

  @Test
  void lessWantedGivesUpWhatIsUnderWay() {
    state = EdgeState.initial(1, false);
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    assertThat(on(new EdgeEvent.Wanted(Level.INITIAL)))
        .containsExactly(new EdgeEffect.StopMap(), new EdgeEffect.Release(0));
    on(new EdgeEvent.MapStopped());
    assertThat(on(new EdgeEvent.Wanted(Level.CACHE_FAST)))
        .containsExactly(new EdgeEffect.FetchMap(0), new EdgeEffect.Want(0, Level.CACHE_FAST));
  }

  @Test
  void stoppedRunStartsAgainWhenWantedAgain() {
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    on(new EdgeEvent.MapReady(map(0, false)));
    on(new EdgeEvent.ClaimGranted());
    assertThat(on(new EdgeEvent.Wanted(Level.INITIAL))).containsExactly(new EdgeEffect.StopWork());
    assertThat(on(new EdgeEvent.Wanted(Level.COMPLETE))).isEmpty();
    assertThat(on(new EdgeEvent.WorkStopped())).containsExactly(new EdgeEffect.Run());
  }

  @Test
  void movedInputIsAskedAgainAndTheClaimIsMadeAnew() {
    state = EdgeState.initial(1, false);
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    assertThat(on(new EdgeEvent.InputMoved(0)))
        .containsExactly(new EdgeEffect.Want(0, Level.CACHE_FAST));
  }

  @Test
  void failureOfAnInputIsTheEdgesFailure() {
    state = EdgeState.initial(2, false);
    on(new EdgeEvent.Wanted(Level.COMPLETE));
    var cause = new BuildException(Kind.UNKNOWN, "no");
    assertThat(on(new EdgeEvent.Failed(cause)))
        .contains(new EdgeEffect.Release(0), new EdgeEffect.Release(1), new EdgeEffect.Announce());
    assertThat(state.failed()).contains(cause);
  }
}
