package dev.kiln.store;

import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.FieldFilter;
import dev.kiln.store.content.ContentStore;
import dev.kiln.store.gc.Collector;
import dev.kiln.store.snapshot.Snapshotter;
import dev.kiln.sys.FileSystems;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries out what {@link Collector} decides, in rounds, and sweeps blobs that nobody keeps. */
final class Pruning {
  private static final Logger LOG = LoggerFactory.getLogger(Pruning.class);

  /** A blob is swept only when it is older: who has just written it may not hold it yet. */
  private static final Duration BLOB_GRACE = Duration.ofHours(1);

  private final RefTable table;
  private final Snapshotter snapshotter;
  private final ContentStore content;
  private final LocalLeases leases;
  private final Removal removal;
  private final Path root;
  private final Set<RefId> uncounted = ConcurrentHashMap.newKeySet(); // told once

  Pruning(
      RefTable table,
      Snapshotter snapshotter,
      ContentStore content,
      LocalLeases leases,
      Removal removal,
      Path root) {
    this.table = table;
    this.snapshotter = snapshotter;
    this.content = content;
    this.leases = leases;
    this.removal = removal;
    this.root = root;
  }

  List<UsageRecord> usage(List<String> filterTexts, Duration ageLimit) {
    List<FieldFilter> filters = filterTexts.stream().map(FieldFilter::parse).toList();
    Instant now = table.now();
    return records().stream()
        .filter(r -> FieldFilter.any(filters, path -> Collector.field(r, path)))
        .filter(r ->
            ageLimit.isZero() || r.lastUsedAt().orElse(r.createdAt()).plus(ageLimit).isBefore(now))
        .toList();
  }

  /** All records with their sizes, which are counted now where they are not known. */
  private List<UsageRecord> records() {
    List<RefRecord> all = List.copyOf(table.locked(table::all));
    for (RefRecord record : all) {
      if (table.locked(() -> record.sizeBytes < 0 && !record.removed)) {
        OptionalLong size = size(record);
        table.locked(() -> {
          if (!record.removed && size.isPresent()) {
            table.saveSize(record, size.getAsLong());
          }
        });
      }
    }
    return table.locked(() -> {
      Set<RefRecord> inUse = inUse(all);
      return all.stream().filter(r -> !r.removed).map(r -> usage(r, inUse.contains(r))).toList();
    });
  }

  /**
   * Empty where it cannot be counted: the record is then listed with no size, and can be pruned, as
   * one that cannot be read must not keep all others from being collected.
   */
  private OptionalLong size(RefRecord record) {
    try {
      boolean counted =
          record.layer == 0 || table.locked(() -> table.imageLayers.isCountedElsewhere(record));
      long size = counted ? 0 : snapshotter.size(record.layer);
      for (Layer layer : table.locked(() -> blobs(record))) {
        size +=
            content.info(layer.blob().digest()).map(ContentStore.BlobInfo::sizeBytes).orElse(0L);
      }
      uncounted.remove(record.id);
      return OptionalLong.of(size);
    } catch (IOException e) {
      if (table.locked(() -> !record.removed) && uncounted.add(record.id)) {
        LOG.warn(
            "the size of {} ({}) cannot be counted, it is taken for 0: {}",
            record.id,
            record.description,
            e.getMessage());
      }
      return OptionalLong.empty();
    }
  }

  private static List<Layer> blobs(RefRecord record) {
    return Stream.concat(record.pulled.stream(), record.blobs.values().stream()).toList();
  }

  /** The records that somebody holds, and those that they are built on. */
  private static Set<RefRecord> inUse(List<RefRecord> all) {
    var used = new HashSet<RefRecord>();
    var marked = new ArrayDeque<RefRecord>(all.stream().filter(Pruning::isHeld).toList());
    for (RefRecord record; (record = marked.poll()) != null; ) {
      if (used.add(record)) {
        marked.addAll(record.parents);
      }
    }
    return used;
  }

  private static boolean isHeld(RefRecord record) {
    return record.holders > 0 || record.claims > 0;
  }

  private static UsageRecord usage(RefRecord r, boolean inUse) {
    return new UsageRecord(
        r.id,
        r.isMutable(),
        inUse,
        Math.max(0, r.sizeBytes),
        r.parents.stream().map(p -> p.id).distinct().toList(),
        r.createdAt,
        Optional.ofNullable(r.lastUsedAt),
        r.usageCount,
        r.description,
        r.type,
        false);
  }

  void prune(PruneRequest request, Consumer<UsageRecord> removed) throws InterruptedException {
    while (true) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      List<UsageRecord> chosen = Collector.choose(records(), request, freeBytes(), table.now());
      var gone = new ArrayList<RefRecord>();
      var told = new ArrayList<UsageRecord>();
      for (UsageRecord record : chosen) {
        table.locked(() ->
            table
                .find(record.id())
                .filter(r -> !isHeld(r) && r.children.isEmpty())
                .ifPresent(r -> {
                  removal.forget(r);
                  uncounted.remove(r.id);
                  gone.add(r);
                  told.add(record);
                }));
      }
      if (gone.isEmpty()) {
        break;
      }
      removal.files(gone);
      sweepBlobsOf(gone);
      told.forEach(removed);
    }
    sweepBlobs(BLOB_GRACE);
  }

  private long freeBytes() {
    try {
      return FileSystems.space(root).freeBytes();
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  private Set<Digest> kept() {
    var kept = new HashSet<Digest>(leases.keptBlobs());
    table.locked(() -> {
      for (RefRecord record : table.all()) {
        blobs(record).forEach(layer -> kept.add(layer.blob().digest()));
      }
    });
    return kept;
  }

  private void sweepBlobsOf(List<RefRecord> gone) {
    var mine = new HashSet<Digest>();
    gone.forEach(record -> blobs(record).forEach(layer -> mine.add(layer.blob().digest())));
    if (!mine.isEmpty()) {
      mine.removeAll(kept());
      mine.forEach(content::delete);
    }
  }

  void sweepBlobs(Duration grace) {
    Instant limit = table.now().minus(grace);
    Set<Digest> kept = kept();
    content.walk(blob -> {
      if (!blob.createdAt().isAfter(limit) && !kept.contains(blob.digest())) {
        content.delete(blob.digest());
      }
    });
  }
}
