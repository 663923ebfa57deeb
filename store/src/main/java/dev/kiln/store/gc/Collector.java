package dev.kiln.store.gc;

import dev.kiln.model.FieldFilter;
import dev.kiln.store.PruneRequest;
import dev.kiln.store.RecordType;
import dev.kiln.store.RefId;
import dev.kiln.store.UsageRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Decides what a prune removes. Pure. Facts: BuildKit v0.22 {@code cache/manager.go} (what
 * survives, how much is kept, in which order it goes).
 */
public final class Collector {
  private Collector() {}

  /**
   * What is to go now, in order. What was a parent of something removed may go in the next round:
   * the caller asks again until nothing is chosen.
   *
   * @param records all there are
   * @param freeBytes what the disk has left
   */
  public static List<UsageRecord> choose(
      List<UsageRecord> records, PruneRequest request, long freeBytes, Instant now) {
    long total = records.stream().mapToLong(UsageRecord::sizeBytes).sum();
    long keep = keepBytes(total, request, freeBytes);
    boolean capped = request.reservedBytes() + request.maxUsedBytes() + request.minFreeBytes() > 0;
    if (capped && (keep == 0 || total <= keep)) {
      return List.of();
    }
    Map<RefId, Long> children =
        records.stream()
            .flatMap(r -> r.parents().stream().distinct())
            .collect(Collectors.groupingBy(parent -> parent, Collectors.counting()));
    List<FieldFilter> filters = request.filters().stream().map(FieldFilter::parse).toList();
    List<UsageRecord> may =
        records.stream()
            .filter(r -> !r.inUse() && !children.containsKey(r.id()))
            .filter(r -> request.all() || isOrdinary(r))
            .filter(r -> isOld(r, request.keepDuration(), now))
            .filter(r -> FieldFilter.any(filters, path -> field(r, path)))
            .toList();
    if (!capped) {
      return may;
    }
    var chosen = new ArrayList<UsageRecord>();
    for (UsageRecord record : byScore(may)) {
      if (total <= keep) {
        break;
      }
      chosen.add(record);
      total -= record.sizeBytes();
    }
    return chosen;
  }

  /** How much may stay; 0 where there is no reason to remove anything. */
  static long keepBytes(long totalBytes, PruneRequest request, long freeBytes) {
    long keep = request.maxUsedBytes();
    long excess = request.minFreeBytes() - freeBytes;
    if (request.minFreeBytes() > 0 && excess > 0) {
      long after = Math.max(totalBytes - excess, 1); // 1, because 0 would be no limit
      keep = keep == 0 ? after : Math.min(keep, after);
    }
    return Math.max(keep, request.reservedBytes());
  }

  private static boolean isOrdinary(UsageRecord record) {
    return record.type() != RecordType.INTERNAL
        && record.type() != RecordType.FRONTEND
        && !record.shared();
  }

  private static boolean isOld(UsageRecord record, Duration keep, Instant now) {
    Instant used = record.lastUsedAt().orElse(record.createdAt());
    return keep.isZero() || !used.plus(keep).isAfter(now);
  }

  /** Least recently used and least often used first: the sum of both ranks. */
  private static List<UsageRecord> byScore(List<UsageRecord> records) {
    var score = new HashMap<RefId, Integer>();
    Comparator<UsageRecord> recent =
        Comparator.comparing(r -> r.lastUsedAt().orElse(r.createdAt()));
    Comparator<UsageRecord> often = Comparator.comparingInt(UsageRecord::usageCount);
    for (Comparator<UsageRecord> order : List.of(recent, often)) {
      int rank = 0;
      UsageRecord before = null;
      for (UsageRecord record : records.stream().sorted(order).toList()) {
        if (before != null && order.compare(before, record) != 0) {
          rank++;
        }
        before = record;
        score.merge(record.id(), rank, Integer::sum);
      }
    }
    return records.stream()
        .sorted(
            Comparator.comparingInt((UsageRecord r) -> score.getOrDefault(r.id(), 0))
                .thenComparing(recent)
                .thenComparing(UsageRecord::id))
        .toList();
  }

  /** The value of a field that prune and usage filters may name. */
  public static Optional<String> field(UsageRecord record, List<String> path) {
    return switch (String.join(".", path)) {
      case "id" -> Optional.of(record.id().value());
      case "parents" -> list(record.parents());
      case "description" -> Optional.of(record.description());
      case "inuse" -> flag(record.inUse());
      case "mutable" -> flag(record.mutable());
      case "immutable" -> flag(!record.mutable());
      case "type" -> Optional.of(record.type().wireName());
      case "shared" -> flag(record.shared());
      case "private" -> flag(!record.shared());
      default -> Optional.empty();
    };
  }

  private static Optional<String> list(List<RefId> ids) {
    return ids.isEmpty()
        ? Optional.empty()
        : Optional.of(ids.stream().map(RefId::value).collect(Collectors.joining(";")));
  }

  private static Optional<String> flag(boolean set) {
    return set ? Optional.of("") : Optional.empty();
  }
}
