package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.actors.CacheTable.KeyRef;
import dev.kiln.actors.EdgeState.Done;
import dev.kiln.model.BuildException;
import dev.kiln.model.KeyDigest;
import dev.kiln.model.Kind;
import java.time.Instant;
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
  private final Edges edges = new Edges(new Table());
  private EdgeState state = EdgeState.initial(0, false);

  private final class Table implements Edges.Lookup {
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

  private List<Edges.Effect> on(Edges.Event event) {
    Edges.Step step = edges.on(state, event);
    state = step.next();
    return step.effects();
  }

  private static CacheMap map(int inputs, boolean content) {
    return CacheMap.of(
        OP,
        java.util.Collections.nCopies(inputs, new CacheMap.Dep(Optional.empty(), content, false)));
  }

  private static Done done(String id) {
    return new Done(Optional.of(new ResultId(id)), List.of(KEY));
  }

  private static Edges.InputAt at(int input, Level level, CacheKey... keys) {
    return new Edges.InputAt(input, level, List.of(keys), Optional.empty());
  }

  private static Edges.InputAt complete(int input) {
    return new Edges.InputAt(input, Level.COMPLETE, List.of(KEY), Optional.of(done("in")));
  }

  @Test
  void rootAsksItsKeyThenClaimsThenRuns() {
    assertThat(on(new Edges.Wanted(Level.COMPLETE))).containsExactly(new Edges.FetchMap(0));
    assertThat(on(new Edges.MapReady(map(0, false))))
        .containsExactly(new Edges.AskClaim(), new Edges.Announce());
    assertThat(on(new Edges.ClaimGranted())).containsExactly(new Edges.Run());
    assertThat(on(new Edges.Completed(done("r")))).containsExactly(new Edges.Announce());
    assertThat(state.level()).isEqualTo(Level.COMPLETE);
  }

  @Test
  void rootThatIsKnownLoads() {
    records.put(OP.value(), List.of(record("r")));
    on(new Edges.Wanted(Level.COMPLETE));
    on(new Edges.MapReady(map(0, false)));
    assertThat(on(new Edges.ClaimGranted()))
        .singleElement()
        .isInstanceOfSatisfying(
            Edges.Load.class, l -> assertThat(l.candidate().found()).isEqualTo(record("r")));
  }

  @Test
  void rootAsksForItsNextKeyOnlyWithoutARecord() {
    on(new Edges.Wanted(Level.COMPLETE));
    var first = new CacheMap(KeyDigest.of("one"), List.of(), false, Map.of());
    assertThat(on(new Edges.MapReady(first))).containsExactly(new Edges.FetchMap(1));
    records.put(OP.value(), List.of(record("r")));
    assertThat(on(new Edges.MapReady(map(0, false))))
        .contains(new Edges.AskClaim())
        .doesNotContain(new Edges.FetchMap(2));
  }

  @Test
  void keyAndInputsAreAskedAtOnce() {
    state = EdgeState.initial(2, false);
    assertThat(on(new Edges.Wanted(Level.COMPLETE)))
        .containsExactly(
            new Edges.FetchMap(0),
            new Edges.Want(0, Level.CACHE_FAST),
            new Edges.Want(1, Level.CACHE_FAST));
  }

  @Test
  void firstDefiniteMatchLetsInputsGo() {
    state = EdgeState.initial(1, false);
    leads.put("0:" + KEY.digest(), "k");
    records.put("k", List.of(record("r")));
    on(new Edges.Wanted(Level.COMPLETE));
    on(new Edges.MapReady(map(1, false)));
    assertThat(on(at(0, Level.INITIAL, KEY))).contains(new Edges.Release(0), new Edges.AskClaim());
    assertThat(on(new Edges.ClaimGranted())).hasOnlyElementsOfType(Edges.Load.class);
  }

  @Test
  void failedLoadTriesTheNextRecordThenBuilds() {
    state = EdgeState.initial(1, false);
    leads.put("0:" + KEY.digest(), "k");
    records.put("k", List.of(record("r1"), record("r2")));
    on(new Edges.Wanted(Level.COMPLETE));
    on(new Edges.MapReady(map(1, false)));
    on(at(0, Level.CACHE_SLOW, KEY));
    on(new Edges.ClaimGranted());
    on(new Edges.LoadFailed(record("r1")));
    assertThat(on(new Edges.ClaimGranted()))
        .singleElement()
        .isInstanceOfSatisfying(
            Edges.Load.class, l -> assertThat(l.candidate().found()).isEqualTo(record("r2")));
    assertThat(on(new Edges.LoadFailed(record("r2"))))
        .containsExactly(new Edges.Want(0, Level.COMPLETE));
    on(complete(0));
    assertThat(on(new Edges.ClaimGranted())).containsExactly(new Edges.Run());
  }

  @Test
  void inputThatLeadsNowhereEndsTheSearch() {
    state = EdgeState.initial(2, false);
    on(new Edges.Wanted(Level.COMPLETE));
    on(new Edges.MapReady(map(2, false)));
    assertThat(on(at(0, Level.CACHE_SLOW)))
        .contains(new Edges.Want(0, Level.COMPLETE), new Edges.Want(1, Level.COMPLETE));
    assertThat(state.level()).isEqualTo(Level.CACHE_SLOW);
  }

  @Test
  void contentIsLookedAtOnlyAfterSlowKeys() {
    state = EdgeState.initial(1, false);
    on(new Edges.Wanted(Level.COMPLETE));
    on(new Edges.MapReady(map(1, true)));
    assertThat(on(at(0, Level.CACHE_FAST))).contains(new Edges.Want(0, Level.CACHE_SLOW));
    assertThat(on(at(0, Level.CACHE_SLOW))).containsExactly(new Edges.Want(0, Level.COMPLETE));
    assertThat(on(complete(0))).containsExactly(new Edges.FetchContent(0));
    KeyDigest content = KeyDigest.of("content");
    leads.put("0:" + content, "k");
    records.put("k", List.of(record("r")));
    assertThat(on(new Edges.ContentReady(0, Optional.of(content)))).contains(new Edges.AskClaim());
    assertThat(on(new Edges.ClaimGranted())).hasOnlyElementsOfType(Edges.Load.class);
  }

  @Test
  void inputThatMatchesWaitsForThoseThatDoNot() {
    state = EdgeState.initial(2, false);
    leads.put("0:" + KEY.digest(), "k");
    on(new Edges.Wanted(Level.COMPLETE));
    on(new Edges.MapReady(map(2, true)));
    on(at(0, Level.CACHE_SLOW, KEY));
    assertThat(on(at(1, Level.CACHE_SLOW)))
        .contains(new Edges.Want(1, Level.COMPLETE))
        .doesNotContain(new Edges.Want(0, Level.COMPLETE));
  }

  @Test
  void recordAtHandIsEnoughForAConsumerThatLooksFurther() {
    state = EdgeState.initial(1, false);
    leads.put("0:" + KEY.digest(), "k");
    records.put("k", List.of(record("r")));
    on(new Edges.Wanted(Level.CACHE_SLOW));
    on(new Edges.MapReady(map(1, true)));
    on(at(0, Level.CACHE_FAST, KEY));
    assertThat(state.level()).isEqualTo(Level.CACHE_SLOW);
    assertThat(state.busy()).isFalse();
  }

  @Test
  void ignoreCacheNeverLooks() {
    state = EdgeState.initial(1, true);
    leads.put("0:" + KEY.digest(), "k");
    records.put("k", List.of(record("r")));
    on(new Edges.Wanted(Level.COMPLETE));
    on(new Edges.MapReady(map(1, false)));
    on(complete(0));
    assertThat(on(new Edges.ClaimGranted())).containsExactly(new Edges.Run());
    assertThat(state.keys()).isEmpty();
  }

  @Test
  void lessWantedGivesUpWhatIsUnderWay() {
    state = EdgeState.initial(1, false);
    on(new Edges.Wanted(Level.COMPLETE));
    assertThat(on(new Edges.Wanted(Level.INITIAL)))
        .containsExactly(new Edges.StopMap(), new Edges.Release(0));
    on(new Edges.MapStopped());
    assertThat(on(new Edges.Wanted(Level.CACHE_FAST)))
        .containsExactly(new Edges.FetchMap(0), new Edges.Want(0, Level.CACHE_FAST));
  }

  @Test
  void stoppedRunStartsAgainWhenWantedAgain() {
    on(new Edges.Wanted(Level.COMPLETE));
    on(new Edges.MapReady(map(0, false)));
    on(new Edges.ClaimGranted());
    assertThat(on(new Edges.Wanted(Level.INITIAL))).containsExactly(new Edges.StopWork());
    assertThat(on(new Edges.Wanted(Level.COMPLETE))).isEmpty();
    assertThat(on(new Edges.WorkStopped())).containsExactly(new Edges.Run());
  }

  @Test
  void movedInputIsAskedAgainAndTheClaimIsMadeAnew() {
    state = EdgeState.initial(1, false);
    on(new Edges.Wanted(Level.COMPLETE));
    assertThat(on(new Edges.InputMoved(0))).containsExactly(new Edges.Want(0, Level.CACHE_FAST));
  }

  @Test
  void failureOfAnInputIsTheEdgesFailure() {
    state = EdgeState.initial(2, false);
    on(new Edges.Wanted(Level.COMPLETE));
    var cause = new BuildException(Kind.UNKNOWN, "no");
    assertThat(on(new Edges.Failed(cause)))
        .contains(new Edges.Release(0), new Edges.Release(1), new Edges.Announce());
    assertThat(state.failed()).contains(cause);
  }
}
