package dev.kiln.store.gc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.store.PruneRequest;
import dev.kiln.store.RecordType;
import dev.kiln.store.RefId;
import dev.kiln.store.UsageRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CollectorTest {
  private static final Instant NOW = Instant.ofEpochSecond(1_000_000);

  private static UsageRecord record(String id, long size, int agoSeconds, int used) {
    return new UsageRecord(
        new RefId(id),
        false,
        false,
        size,
        List.of(),
        Instant.EPOCH,
        Optional.of(NOW.minusSeconds(agoSeconds)),
        used,
        id,
        RecordType.REGULAR,
        false);
  }

  private static UsageRecord with(
      UsageRecord r, boolean inUse, List<String> parents, RecordType type) {
    return new UsageRecord(
        r.id(),
        r.mutable(),
        inUse,
        r.sizeBytes(),
        parents.stream().map(RefId::new).toList(),
        r.createdAt(),
        r.lastUsedAt(),
        r.usageCount(),
        r.description(),
        type,
        r.shared());
  }

  private static PruneRequest sizes(long reserved, long max, long minFree) {
    return new PruneRequest(List.of(), false, Duration.ZERO, reserved, max, minFree);
  }

  private static List<String> chosen(List<UsageRecord> records, PruneRequest request, long free) {
    return Collector.choose(records, request, free, NOW).stream().map(r -> r.id().value()).toList();
  }

  private static final List<UsageRecord> THREE =
      List.of(record("a", 10, 300, 1), record("b", 10, 200, 1), record("c", 10, 100, 1));

  @Test
  void withoutACapEverythingThatMayGoGoes() {
    assertThat(chosen(THREE, sizes(0, 0, 0), 0)).containsExactly("a", "b", "c");
  }

  @Test
  void theOldestGoesUntilTheRestFits() {
    assertThat(chosen(THREE, sizes(0, 25, 0), 0)).containsExactly("a");
    assertThat(chosen(THREE, sizes(0, 10, 0), 0)).containsExactly("a", "b");
    assertThat(chosen(THREE, sizes(0, 30, 0), 0)).isEmpty();
  }

  @Test
  void whatIsReservedStays() {
    assertThat(chosen(THREE, sizes(20, 5, 0), 0)).containsExactly("a");
    assertThat(chosen(THREE, sizes(30, 0, 1000), 0)).isEmpty();
  }

  @Test
  void freeSpaceIsAReasonOnlyWhileItLacks() {
    assertThat(chosen(THREE, sizes(0, 0, 100), 100)).isEmpty();
    assertThat(chosen(THREE, sizes(0, 0, 100), 95)).containsExactly("a");
    assertThat(chosen(THREE, sizes(0, 0, 1000), 0)).containsExactly("a", "b", "c");
  }

  @Test
  void whatIsUsedOftenStaysLonger() {
    var records =
        List.of(record("often", 10, 300, 50), record("once", 10, 200, 1), record("new", 10, 1, 9));
    assertThat(chosen(records, sizes(0, 25, 0), 0)).containsExactly("once");
  }

  @Test
  void whatIsInUseOrBuiltOnStays() {
    var records =
        List.of(
            record("base", 10, 300, 1),
            with(record("top", 10, 200, 1), false, List.of("base"), RecordType.REGULAR),
            with(record("used", 10, 100, 1), true, List.of(), RecordType.REGULAR));
    assertThat(chosen(records, sizes(0, 0, 0), 0)).containsExactly("top");
  }

  @Test
  void internalAndFrontendRecordsGoOnlyWithAll() {
    var records =
        List.of(
            with(record("i", 10, 300, 1), false, List.of(), RecordType.INTERNAL),
            with(record("f", 10, 300, 1), false, List.of(), RecordType.FRONTEND));
    assertThat(chosen(records, sizes(0, 0, 0), 0)).isEmpty();
    assertThat(chosen(records, PruneRequest.EVERYTHING, 0)).containsExactly("i", "f");
  }

  @Test
  void filtersAndAgeChoose() {
    var request =
        new PruneRequest(
            List.of("type==exec.cachemount", "id==b"), false, Duration.ofSeconds(150), 0, 0, 0);
    assertThat(chosen(THREE, request, 0)).containsExactly("b");
    var young = new PruneRequest(List.of(), false, Duration.ofSeconds(150), 0, 0, 0);
    assertThat(chosen(THREE, young, 0)).containsExactly("a", "b");
  }
}
