package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.actors.CacheKey.Dep;
import dev.kiln.actors.CacheTable.KeyRef;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class CacheTableTest {
  private static final KeyDigest OP = KeyDigest.of("op");
  private static final Instant T1 = Instant.parse("2026-01-01T00:00:01Z");
  private final List<CacheStore.Change> changes = new ArrayList<>();
  private final CacheTable table =
      new CacheTable("test", (record, context) -> record.result(), changes::add);

  private static CacheKey root(String text) {
    return new CacheKey(KeyDigest.of(text), 0, List.of());
  }

  private static CacheKey over(KeyDigest digest, CacheKey... inputs) {
    var deps = new ArrayList<List<Dep>>();
    for (CacheKey input : inputs) {
      deps.add(List.of(new Dep(Optional.empty(), input)));
    }
    return new CacheKey(digest, 0, deps);
  }

  private static CacheRecord record(String id) {
    return new CacheRecord(id, T1);
  }

  @Test
  void rootIdIsTheDigestOfDigestAndOutput() {
    // printf '%s@0' "$(printf '' | sha256sum …)" | sha256sum
    KeyDigest empty =
        new KeyDigest("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assertThat(CacheKey.rootId(empty, 0).value())
        .isEqualTo(Digest.of(empty.value() + "@0").value());
    assertThat(CacheKey.rootId(KeyDigest.random(new byte[] {1}), 1).value()).startsWith("random:");
  }

  @Test
  void savedKeyIsFoundByItsInputs() {
    String id = table.save(over(OP, root("a"), root("b")), record("r"));
    assertThat(table.idOf(over(OP, root("a"), root("b")))).contains(id);
    assertThat(table.idOf(over(OP, root("a"), root("c")))).isEmpty();
    assertThat(table.idOf(over(KeyDigest.of("other"), root("a"), root("b")))).isEmpty();
    assertThat(table.probe(List.of(new Dep(Optional.empty(), root("a"))), 0, OP, 0))
        .containsExactly(new KeyRef(table, id));
    assertThat(table.probe(List.of(new Dep(Optional.empty(), root("a"))), 1, OP, 0)).isEmpty();
    assertThat(table.records(id)).containsExactly(record("r"));
  }

  /** A definition's chain of steps is as long as its author likes. */
  @Test
  void keysOfALongChainAreLookedUpAndSaved() {
    CacheKey top = root("a");
    for (int i = 0; i < 100_000; i++) {
      top = over(OP, top);
    }
    assertThat(table.idOf(top)).isEmpty();
    String id = table.save(top, record("r"));
    assertThat(table.idOf(top)).contains(id);
  }

  @Test
  void selectorsMakeDifferentKeys() {
    Optional<Digest> selector = Optional.of(Digest.of("/sub"));
    var key = new CacheKey(OP, 0, List.of(List.of(new Dep(selector, root("a")))));
    table.save(key, record("r"));
    assertThat(table.probe(List.of(new Dep(selector, root("a"))), 0, OP, 0)).hasSize(1);
    assertThat(table.probe(List.of(new Dep(Optional.empty(), root("a"))), 0, OP, 0)).isEmpty();
  }

  @Test
  void equalKeysGetEqualIdsInEveryProcess() {
    var other = new CacheTable("other", (record, context) -> record.result(), c -> {});
    assertThat(table.save(over(OP, root("a")), record("1")))
        .isEqualTo(other.save(over(OP, root("a")), record("2")));
  }

  @Test
  void whatOneKeyOfAnInputReachesAllReach() {
    CacheKey content = CacheKey.content(KeyDigest.of("content"));
    String id = table.save(over(OP, content), record("r"));
    CacheKey definition = root("definition");
    assertThat(
            table.probe(
                List.of(new Dep(Optional.empty(), content), new Dep(Optional.empty(), definition)),
                0,
                OP,
                0))
        .containsExactly(new KeyRef(table, id));
    assertThat(table.probe(List.of(new Dep(Optional.empty(), definition)), 0, OP, 0))
        .containsExactly(new KeyRef(table, id));
  }

  @Test
  void newestRecordComesFirst() {
    String id = table.save(root("a"), record("old"));
    table.addResult(id, new CacheRecord("new", T1.plusSeconds(1)));
    assertThat(table.records(id)).extracting(CacheRecord::id).containsExactly("new", "old");
  }

  @Test
  void droppedResultTakesKeysAlongThatLeadNowhere() {
    CacheKey a = root("a");
    CacheKey b = over(OP, a);
    CacheKey c = over(KeyDigest.of("next"), b);
    table.save(b, record("b"));
    table.save(c, record("c"));
    table.drop("b");
    assertThat(table.idOf(over(OP, root("a")))).as("still leads to c").isPresent();
    table.drop("c");
    assertThat(table.idOf(over(OP, root("a")))).isEmpty();
    assertThat(table.exists(a.rootId().value())).isFalse();
    assertThat(changes).endsWith(new CacheStore.DropResult("c"));
  }

  @Test
  void changesRebuildTheTable() {
    CacheKey key = over(OP, root("a"), over(KeyDigest.of("mid"), root("b")));
    String id = table.save(key, record("r"));
    var again = new CacheTable("again", (record, context) -> record.result(), c -> {});
    again.fill(
        new CacheStore.Contents(
            changes.stream()
                .filter(CacheStore.AddLink.class::isInstance)
                .map(CacheStore.AddLink.class::cast)
                .toList(),
            changes.stream()
                .filter(CacheStore.AddResult.class::isInstance)
                .map(CacheStore.AddResult.class::cast)
                .toList()));
    assertThat(again.idOf(over(OP, root("a"), over(KeyDigest.of("mid"), root("b"))))).contains(id);
    assertThat(again.records(id)).containsExactly(record("r"));
    assertThat(again.backlinks(id)).hasSize(2);
    assertThat(again.keysOf("r")).containsExactly(id);
  }
}
