package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.actors.FakeOps.Fake;
import dev.kiln.grpc.sourcepolicy.Policy;
import dev.kiln.llb.BuildRules;
import dev.kiln.llb.Entitlements;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Kind;
import dev.kiln.model.SourceInfo;
import dev.kiln.model.SourceRange;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class SolverTest {
  @TempDir Path folder;
  private SolverFixture f;

  @BeforeEach
  void start() {
    f = new SolverFixture(folder);
  }

  @AfterEach
  void stop() {
    f.close();
  }

  private void eventually(Runnable check) {
    f.kit
        .createTestProbe()
        .awaitAssert(() -> {
          check.run();
          return true;
        });
  }

  @Test
  void runsInputsThenTheVertex() throws Exception {
    Fake a = f.ops.vertex("a");
    Fake b = f.ops.vertex("b", a);
    assertThat(f.build(b).result()).contains(new ResultId("b#0=b"));
    assertThat(a.runs).hasValue(1);
    assertThat(b.runs).hasValue(1);
  }

  @Test
  void secondBuildHitsTheCacheAndLeavesInputsAlone() throws Exception {
    Fake a = f.ops.vertex("a");
    Fake b = f.ops.vertex("b", a);
    Fake c = f.ops.vertex("c", b);
    f.build(c);
    f.build(c);
    assertThat(List.of(a.runs.get(), b.runs.get(), c.runs.get())).containsOnly(1);
    assertThat(f.results.loads).as("only the root is loaded").hasValue(1);
  }

  @Test
  void cacheSurvivesARestart() throws Exception {
    Fake a = f.ops.vertex("a");
    f.build(f.ops.vertex("b", a));
    try (var again = new SolverFixture(folder, OptionalInt.empty(), f.store)) {
      Fake a2 = again.ops.vertex("a");
      Fake b2 = again.ops.vertex("b", a2);
      assertThat(again.build(b2).result()).contains(new ResultId("b#0=b"));
      assertThat(b2.runs).hasValue(0);
    }
  }

  @Test
  void recordThatIsGoneIsSkippedAndForgotten() throws Exception {
    Fake a = f.ops.vertex("a");
    Fake b = f.ops.vertex("b", a);
    f.build(b);
    f.results.gone.add("b#0=b");
    assertThat(f.build(b).result()).contains(new ResultId("b#0=b"));
    assertThat(b.runs).hasValue(2);
    assertThat(a.runs).hasValue(1);
    assertThat(f.store.contents).contains(new CacheStore.DropResult("b#0=b"));
  }

  @Test
  void sharedVertexRunsOnceForTwoJobs() throws Exception {
    var gate = new CountDownLatch(1);
    Fake a = f.ops.vertex("a").gated(gate);
    Fake b = f.ops.vertex("b", a);
    Fake c = f.ops.vertex("c", a);
    try (Job one = f.job("one", "s1");
        Job two = f.job("two", "s2")) {
      Solve first = one.solve(b.graph(), List.of());
      a.runStarted.await();
      Solve second = two.solve(c.graph(), List.of());
      c.mapStarted.await();
      gate.countDown();
      SolverFixture.get(first);
      SolverFixture.get(second);
      assertThat(a.runs).hasValue(1);
      assertThat(a.sessions).as("a later job lends its session too").containsExactly("s1", "s2");
    }
  }

  @Test
  void cancelOfOneJobKeepsTheOther() throws Exception {
    var gate = new CountDownLatch(1);
    Fake a = f.ops.vertex("a").gated(gate);
    try (Job one = f.job();
        Job two = f.job()) {
      Solve first = one.solve(a.graph(), List.of());
      Solve second = two.solve(a.graph(), List.of());
      a.runStarted.await();
      first.cancel();
      assertThatThrownBy(() -> SolverFixture.get(first))
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CANCELED));
      one.close();
      gate.countDown();
      assertThat(SolverFixture.get(second).result()).contains(new ResultId("a#0=a"));
      assertThat(a.runs).hasValue(1);
      assertThat(a.interrupts).hasValue(0);
    }
  }

  /** Two clients send one folder, so one graph is there twice, with other digests. */
  private Fake chain(String client, CountDownLatch gate) {
    Fake folder = f.ops.vertex("folder-" + client).content("files");
    Fake copy = f.ops.vertex("copy-" + client, folder).key("copy").keyedByContent();
    Fake first = f.ops.vertex("first-" + client, copy).key("first");
    return f.ops.vertex("second-" + client, first).key("second").gated(gate);
  }

  @Test
  void whoFindsItsFirstStepsInTheCacheSharesTheOneThatRuns() throws Exception {
    var gate = new CountDownLatch(1);
    Fake second = chain("one", gate);
    Fake same = chain("two", gate);
    try (Job one = f.job();
        Job two = f.job()) {
      Solve early = one.solve(second.graph(), List.of());
      second.runStarted.await();
      Solve late = two.solve(same.graph(), List.of());
      eventually(() -> assertThat(second.jobs()).containsExactly("job-1", "job-2"));
      gate.countDown();
      SolverFixture.get(early);
      SolverFixture.get(late);
      assertThat(second.runs).hasValue(1);
      assertThat(same.runs).hasValue(0);
    }
  }

  @Test
  void lastCancelStopsTheOpAndTheNextRequesterRunsItAgain() throws Exception {
    var gate = new CountDownLatch(1);
    Fake a = f.ops.vertex("a").gated(gate);
    Job one = f.job();
    Solve first = one.solve(a.graph(), List.of());
    a.runStarted.await();
    first.cancel();
    one.close();
    assertThatThrownBy(() -> SolverFixture.get(first)).hasMessage("context canceled");
    a.runGate = Optional.empty();
    assertThat(f.build(a).result()).contains(new ResultId("a#0=a"));
    assertThat(a.interrupts).hasValue(1);
    assertThat(a.runs).hasValue(2);
  }

  @Test
  void wantedAgainInTheSameJobAfterACancel() throws Exception {
    var gate = new CountDownLatch(1);
    Fake a = f.ops.vertex("a").gated(gate);
    try (Job job = f.job()) {
      Solve first = job.solve(a.graph(), List.of());
      a.runStarted.await();
      first.cancel();
      a.runGate = Optional.empty();
      assertThat(SolverFixture.get(job.solve(a.graph(), List.of())).result())
          .contains(new ResultId("a#0=a"));
    }
  }

  @Test
  void equalRootsAreMergedAndRunOnce() throws Exception {
    var gate = new CountDownLatch(1);
    Fake tag = f.ops.vertex("tag").key("image").gated(gate);
    Fake digest = f.ops.vertex("digest").key("image");
    Fake x = f.ops.vertex("x", tag).key("same");
    Fake y = f.ops.vertex("y", digest).key("same");
    try (Job one = f.job();
        Job two = f.job()) {
      Solve first = one.solve(x.graph(), List.of());
      tag.runStarted.await();
      Solve second = two.solve(y.graph(), List.of());
      y.mapStarted.await();
      gate.countDown();
      assertThat(SolverFixture.get(first).result()).isEqualTo(SolverFixture.get(second).result());
      assertThat(digest.runs).hasValue(0);
      assertThat(x.runs.get() + y.runs.get()).isEqualTo(1);
    }
  }

  @Test
  void mergedVertexLivesOnForTheJobThatCameByTheMerge() throws Exception {
    var gate = new CountDownLatch(1);
    Fake owner = f.ops.vertex("owner").key("same").gated(gate);
    Fake other = f.ops.vertex("other").key("same");
    Job one = f.job();
    try (Job two = f.job()) {
      one.solve(owner.graph(), List.of());
      owner.runStarted.await();
      Solve second = two.solve(other.graph(), List.of());
      other.mapStarted.await();
      eventually(() -> assertThat(owner.jobs()).hasSize(2));
      one.close();
      gate.countDown();
      assertThat(SolverFixture.get(second).result()).contains(new ResultId("owner#0=owner"));
      assertThat(owner.interrupts).hasValue(0);
    }
  }

  @Test
  void isNeverMergedIntoItsOwnDependency() throws Exception {
    Fake a = f.ops.vertex("a").key("same").content("x");
    Fake b = f.ops.vertex("b", a).key("copy").keyedByContent().content("x");
    Fake c = f.ops.vertex("c", b).key("copy").keyedByContent().content("x");
    // b and c are known by the same op and content, but c is made from b
    assertThat(f.build(c).result()).isPresent();
    assertThat(b.runs).hasValue(1);
  }

  @Test
  void ignoreCacheRunsAgainAndSavesForOthers() throws Exception {
    Fake a = f.ops.vertex("a");
    Fake b = f.ops.vertex("b", a);
    f.build(b);
    b.withoutCache();
    f.build(b);
    assertThat(b.runs).hasValue(2);
    b.ignoreCache = false;
    f.build(b);
    assertThat(b.runs).hasValue(2);
  }

  @Test
  void ignoreCacheIsNotMergedIntoAnEdgeWithCache() throws Exception {
    var gate = new CountDownLatch(1);
    Fake cached = f.ops.vertex("cached").key("same").gated(gate);
    Fake fresh = f.ops.vertex("fresh").key("same").withoutCache();
    try (Job one = f.job();
        Job two = f.job()) {
      Solve first = one.solve(cached.graph(), List.of());
      cached.runStarted.await();
      SolverFixture.get(two.solve(fresh.graph(), List.of()));
      assertThat(fresh.runs).hasValue(1);
      gate.countDown();
      SolverFixture.get(first);
    }
  }

  @Test
  void activeVertexWithoutCacheServesItsTwinWithCache() throws Exception {
    var gate = new CountDownLatch(1);
    Fake a = f.ops.vertex("a").withoutCache().gated(gate);
    try (Job one = f.job();
        Job two = f.job()) {
      Solve first = one.solve(a.graph(), List.of());
      a.runStarted.await();
      a.ignoreCache = false;
      Solve second = two.solve(a.graph(), List.of());
      gate.countDown();
      SolverFixture.get(first);
      SolverFixture.get(second);
      assertThat(a.runs).hasValue(1);
    }
  }

  @Test
  void changedInputOfEqualContentHitsByContent() throws Exception {
    Fake context1 = f.ops.vertex("context1").content("files");
    f.build(f.ops.vertex("copy1", context1).key("copy").keyedByContent());
    Fake context2 = f.ops.vertex("context2").content("files");
    Fake copy2 = f.ops.vertex("copy2", context2).key("copy").keyedByContent();
    assertThat(f.build(copy2).result()).contains(new ResultId("copy1#0=copy1"));
    assertThat(context2.runs).hasValue(1);
    assertThat(copy2.runs).hasValue(0);
    // and now the definition alone leads there
    f.build(copy2);
    assertThat(context2.runs).hasValue(1);
    assertThat(copy2.contents).hasValue(1);
  }

  @Test
  void contentHitServesConsumersWithoutLoadingTheirInput() throws Exception {
    Fake context1 = f.ops.vertex("context1").content("files");
    Fake copy1 = f.ops.vertex("copy1", context1).key("copy").keyedByContent();
    f.build(f.ops.vertex("run1", copy1).key("run"));
    Fake context2 = f.ops.vertex("context2").content("files");
    Fake copy2 = f.ops.vertex("copy2", context2).key("copy").keyedByContent();
    Fake run2 = f.ops.vertex("run2", copy2).key("run");
    int loads = f.results.loads.get();
    assertThat(f.build(run2).result()).contains(new ResultId("run1#0=run1"));
    assertThat(f.results.loads.get() - loads).isEqualTo(1);
    assertThat(copy2.runs).hasValue(0);
  }

  @Test
  void rootWithSeveralKeysHitsByTheSecond() throws Exception {
    f.build(f.ops.vertex("image1").key("manifest1", "layers"));
    Fake image2 = f.ops.vertex("image2").key("manifest2", "layers");
    assertThat(f.build(image2).result()).contains(new ResultId("image1#0=image1"));
    assertThat(image2.runs).hasValue(0);
  }

  @Test
  void outputsOfOneVertexRunItOnce() throws Exception {
    Fake a = f.ops.vertex("a");
    a.outputs = 2;
    try (Job job = f.job()) {
      Solve first = job.solve(a.graph(0), List.of());
      Solve second = job.solve(a.graph(1), List.of());
      assertThat(SolverFixture.get(first).result()).contains(new ResultId("a#0=a"));
      assertThat(SolverFixture.get(second).result()).contains(new ResultId("a#1=a"));
      assertThat(a.runs).hasValue(1);
    }
  }

  @Test
  void missingOutputFails() {
    Fake a = f.ops.vertex("a");
    try (Job job = f.job()) {
      assertThatThrownBy(() -> SolverFixture.get(job.solve(a.graph(3), List.of())))
          .hasMessage("invalid response from exec need 3 index but 1 results received");
    }
  }

  @Test
  void failureTellsVertexOpAndPlaceInTheSource() {
    Fake a = f.ops.vertex("a");
    a.runFailure = Optional.of(new BuildException(Kind.UNKNOWN, "exit code: 1"));
    var source = new SourceInfo("Dockerfile", new byte[0], new byte[0], "Dockerfile");
    var location = new Detail.SourceLocation(source, List.of(SourceRange.lines(3, 4)));
    a.locations = List.of(location);
    Fake b = f.ops.vertex("b", a);
    assertThatThrownBy(() -> f.build(b))
        .hasMessage("exit code: 1")
        .isInstanceOfSatisfying(
            BuildException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(Kind.UNKNOWN);
              assertThat(e.details())
                  .contains(new Detail.VertexFailed(a.digest()), location)
                  .anyMatch(d -> d instanceof Detail.SolveFailed s && s.op().length == 1);
            });
    assertThat(b.runs).hasValue(0);
  }

  @Test
  void failureOfAKeySaysSo() {
    Fake a = f.ops.vertex("a");
    a.mapFailure = Optional.of(new BuildException(Kind.NOT_FOUND, "no such image"));
    Fake b = f.ops.vertex("b", a);
    assertThatThrownBy(() -> f.build(b)).hasMessage("failed to load cache key: no such image");
  }

  @Test
  void failureOfAContentKeyHandsOutTheInput() {
    Fake a = f.ops.vertex("a");
    Fake b = f.ops.vertex("b", a).keyedByContent();
    b.contentFailure = Optional.of(new BuildException(Kind.UNKNOWN, "/x: not found"));
    assertThatThrownBy(() -> f.build(b))
        .hasMessage("failed to compute cache key: /x: not found")
        .isInstanceOfSatisfying(
            BuildException.class,
            e ->
                assertThat(e.details())
                    .anyMatch(d ->
                        d instanceof Detail.SolveFailed s
                            && s.inputIds().equals(List.of("a#0=a"))
                            && s.mountIds().isEmpty()
                            && s.cacheIndex() == 0));
  }

  @Test
  void failureStopsSiblingsOfItsJob() throws Exception {
    Fake bad = f.ops.vertex("bad");
    var failNow = new CountDownLatch(1);
    bad.gated(failNow).runFailure = Optional.of(new BuildException(Kind.UNKNOWN, "bad"));
    Fake slow = f.ops.vertex("slow").gated(new CountDownLatch(1));
    Fake both = f.ops.vertex("both", bad, slow);
    try (Job job = f.job()) {
      Solve solve = job.solve(both.graph(), List.of());
      slow.runStarted.await();
      bad.runStarted.await();
      failNow.countDown();
      assertThatThrownBy(() -> SolverFixture.get(solve)).hasMessage("bad");
    }
    Fake after = f.ops.vertex("after");
    f.build(after);
    // the slow one was interrupted; building it anew waits for its end
    slow.runGate = Optional.empty();
    f.build(slow);
    assertThat(slow.interrupts).hasValue(1);
  }

  @Test
  void onePermitSufficesForNestedBuilds() throws Exception {
    try (var one = new SolverFixture(folder, OptionalInt.of(1), new SolverFixture.MemoryStore())) {
      Fake inner = one.ops.vertex("inner");
      for (int i = 0; i < 10; i++) {
        inner = one.ops.vertex("run" + i, inner);
      }
      Fake outer = one.ops.vertex("outer");
      outer.permit = false;
      outer.within = Optional.of(inner.graph());
      Fake wide = one.ops.vertex("wide", outer, one.ops.vertex("w1"), one.ops.vertex("w2"));
      assertThat(one.build(wide).result()).isPresent();
      assertThat(one.ops.mostRunning).hasValueLessThanOrEqualTo(2); // one permit, and the outer
    }
  }

  private Fake nested(int depth) {
    Fake at = f.ops.vertex("nested 0");
    for (int i = 1; i <= depth; i++) {
      Fake outer = f.ops.vertex("nested " + i);
      outer.permit = false;
      outer.within = Optional.of(at.graph());
      at = outer;
    }
    return at;
  }

  @Test
  void buildsWithinEachOtherHaveABound() throws Exception {
    assertThat(f.build(nested(100)).result()).isPresent();
    assertThatThrownBy(() -> f.build(nested(300)))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
        .hasMessageEndingWith("more than 100 build ops within each other");
  }

  @Test
  void aBuildThatNeedsItselfIsRefused() {
    Fake one = f.ops.vertex("one");
    Fake other = f.ops.vertex("other");
    one.permit = other.permit = false;
    one.within = Optional.of(f.ops.vertex("on other", other).graph());
    other.within = Optional.of(f.ops.vertex("on one", one).graph());
    for (Fake fake : List.of(one, other)) {
      assertThatThrownBy(() -> f.build(fake))
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
          .hasMessageEndingWith("a build op's definition needs the result of that build op");
    }
  }

  @Test
  void cancelledWaitForAPermitLeavesItToOthers() throws Exception {
    try (var one = new SolverFixture(folder, OptionalInt.of(1), new SolverFixture.MemoryStore())) {
      var gate = new CountDownLatch(1);
      Fake holder = one.ops.vertex("holder").gated(gate);
      Fake waiter = one.ops.vertex("waiter");
      Fake next = one.ops.vertex("next");
      try (Job job = one.job()) {
        Solve first = job.solve(holder.graph(), List.of());
        holder.runStarted.await();
        Solve second = job.solve(waiter.graph(), List.of());
        Solve third = job.solve(next.graph(), List.of());
        second.cancel();
        assertThatThrownBy(() -> SolverFixture.get(second)).hasMessage("context canceled");
        gate.countDown();
        SolverFixture.get(first);
        SolverFixture.get(third);
      }
    }
  }

  @Test
  void nestedBuildServesJobsThatJoinLater() throws Exception {
    var gate = new CountDownLatch(1);
    Fake inner = f.ops.vertex("inner").gated(gate);
    Fake outer = f.ops.vertex("outer");
    outer.within = Optional.of(inner.graph());
    Job one = f.job("one", "s1");
    try (Job two = f.job("two", "s2")) {
      Solve first = one.solve(outer.graph(), List.of());
      inner.runStarted.await();
      Solve second = two.solve(outer.graph(), List.of());
      // answered after the graph has joined the second job
      SolverFixture.get(two.solve(f.ops.vertex("other").graph(), List.of()));
      first.cancel();
      one.close();
      gate.countDown();
      assertThat(SolverFixture.get(second).result()).contains(new ResultId("inner#0=inner"));
      assertThat(inner.sessions).contains("s2");
      assertThat(inner.runs).hasValue(1);
    }
  }

  @Test
  void anOpSeesTheRulesOfAllJobsThatWantIt() throws Exception {
    var gate = new CountDownLatch(1);
    Fake op = f.ops.vertex("op").gated(gate);
    var policy = Policy.newBuilder().setVersion(1).build();
    var insecure =
        new BuildRules(new Entitlements(false, true, Entitlements.NONE.devices()), List.of());
    var guarded = new BuildRules(Entitlements.NONE, List.of(policy));
    try (Job one = f.job("one", "s1", insecure);
        Job two = f.job("two", "s2", guarded)) {
      Solve first = one.solve(op.graph(), List.of());
      op.runStarted.await();
      assertThat(op.rules()).isEqualTo(insecure);
      Solve second = two.solve(op.graph(), List.of());
      SolverFixture.get(two.solve(f.ops.vertex("other").graph(), List.of()));
      assertThat(op.rules())
          .isEqualTo(
              new BuildRules(
                  new Entitlements(false, true, Entitlements.NONE.devices()), List.of(policy)));
      gate.countDown();
      SolverFixture.get(first);
      SolverFixture.get(second);
    }
  }

  @Test
  void optionsOfInputsAreFound() throws Exception {
    Fake a = f.ops.vertex("a");
    Fake b = f.ops.vertex("b", a);
    Fake c = f.ops.vertex("c", b);
    c.keepsOptions = true;
    f.build(c);
    assertThat(c.option("option-of-a")).contains("a");
    assertThat(c.option("option-of-d")).isEmpty();
  }

  @Test
  void importedCacheIsUsedAndTakenOver() throws Exception {
    var table = CacheTable.imported("registry:cache", (record, context) -> record.result());
    Fake a = f.ops.vertex("a");
    Fake b = f.ops.vertex("b", a);
    var rootId = new CacheKey(dev.kiln.model.KeyDigest.of("key-a"), 0, List.of()).rootId();
    table.addLink(
        rootId.value(),
        new CacheLink(0, dev.kiln.model.KeyDigest.of("key-b"), 0, Optional.empty()),
        "imported-b");
    table.addResult(
        "imported-b", new CacheRecord("remote=b", java.time.Instant.parse("2026-01-01T00:00:00Z")));
    try (Job job = f.job()) {
      assertThat(SolverFixture.get(job.solve(b.graph(), List.of(table))).result())
          .contains(new ResultId("remote=b"));
    }
    assertThat(f.build(b).result()).as("now local").contains(new ResultId("remote=b"));
    assertThat(List.of(a.runs.get(), b.runs.get())).containsOnly(0);
  }

  @Test
  void whatAnImportedResultBringsAlongIsTakenOverToo() throws Exception {
    var table =
        CacheTable.imported(
            "registry:cache",
            new ResultLoader() {
              @Override
              public Optional<ResultId> load(CacheRecord record, OpContext context) {
                return record.result();
              }

              @Override
              public Optional<ResultId> within(
                  CacheRecord loaded, CacheRecord earlier, OpContext context) {
                return earlier.result();
              }
            });
    Fake a = f.ops.vertex("a");
    Fake b = f.ops.vertex("b", a);
    Fake c = f.ops.vertex("c", b);
    var rootId = new CacheKey(dev.kiln.model.KeyDigest.of("key-a"), 0, List.of()).rootId();
    var at = java.time.Instant.parse("2026-01-01T00:00:00Z");
    table.addLink(
        rootId.value(),
        new CacheLink(0, dev.kiln.model.KeyDigest.of("key-b"), 0, Optional.empty()),
        "imported-b");
    table.addLink(
        "imported-b",
        new CacheLink(0, dev.kiln.model.KeyDigest.of("key-c"), 0, Optional.empty()),
        "imported-c");
    table.addResult("imported-b", new CacheRecord("remote=b", at));
    table.addResult("imported-c", new CacheRecord("remote=c", at));
    try (Job job = f.job()) {
      assertThat(SolverFixture.get(job.solve(c.graph(), List.of(table))).result())
          .contains(new ResultId("remote=c"));
    }
    assertThat(f.build(b).result()).as("without the import").contains(new ResultId("remote=b"));
    assertThat(List.of(a.runs.get(), b.runs.get(), c.runs.get())).containsOnly(0);
  }

  @Test
  void keysTellWhatTheyAreMadeFrom() throws Exception {
    Fake a = f.ops.vertex("a");
    Fake b = f.ops.vertex("b", a);
    CacheKey key = f.build(b).keys().getFirst();
    assertThat(key.digest()).isEqualTo(dev.kiln.model.KeyDigest.of("key-b"));
    assertThat(key.deps().getFirst().getFirst().key().digest())
        .isEqualTo(dev.kiln.model.KeyDigest.of("key-a"));
    assertThat(key.export().records()).hasSize(1);
    assertThat(key.export().vertex()).contains(b.digest());
    CacheKey cached = f.build(b).keys().getFirst();
    assertThat(cached.deps().getFirst()).isNotEmpty();
    assertThat(f.solver.localCache().idOf(cached)).isEqualTo(f.solver.localCache().idOf(key));
  }

  @Test
  void closingTheJobReleasesEveryLease() throws Exception {
    Fake a = f.ops.vertex("a");
    f.build(f.ops.vertex("b", a));
    eventually(() -> assertThat(f.openLeases).hasValue(0));
  }

  @Test
  void secondJobOfTheSameIdIsRefused() {
    try (Job one = f.job("same", "")) {
      assertThatThrownBy(() -> f.job("same", ""))
          .hasMessage("job ID same exists")
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.ALREADY_EXISTS));
      assertThat(f.solver.job("same")).contains(one);
    }
  }

  @Test
  void unknownOpFails() {
    Fake a = f.ops.vertex("a");
    f.ops.fakes.clear();
    assertThatThrownBy(() -> f.build(a)).hasMessage("no runner for a");
  }
}
