package dev.kiln.store;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.store.hash.TreeHash;
import dev.kiln.store.snapshot.Snapshotter;
import dev.kiln.sys.Mount;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Named states that are kept and written again. A frozen state takes the layer that was written,
 * and the named one continues on top of it; if nobody uses the frozen one any more at the next
 * claim, the layer is taken back, so that chains grow only while someone looks on. Once others are
 * built on the frozen one, the name is lost to it. Any thread.
 */
final class MutableRefs {
  /** Frozen states on top of each other, before a named state starts anew from a copy. */
  private static final int MAX_FROZEN = 64;

  private final RefTable table;
  private final Snapshotter snapshotter;
  private final ContentHashes hashes;
  private final Removal removal;
  private final Map<RefId, Open> open = new HashMap<>(); // guarded by the table's lock; one a state

  /** A state that is claimed, shown once for all who claim it. */
  private final class Open {
    private final RefRecord record;
    private Snapshotter.@Nullable Mounted mounted;

    Open(RefRecord record) {
      this.record = record;
    }

    synchronized Snapshotter.Mounted mounted() {
      if (mounted == null) {
        try {
          if (record.layer == 0) {
            long number = snapshotter.create();
            table.locked(() -> {
              record.layer = number;
              table.save(record);
            });
          }
          List<Long> below = table.locked(record::layersBelow);
          mounted = snapshotter.write(below, record.layer);
        } catch (IOException e) {
          throw BuildException.of(e);
        }
      }
      return mounted;
    }

    synchronized void unmount() {
      if (mounted != null) {
        try {
          mounted.close();
          mounted = null;
        } catch (IOException e) {
          throw BuildException.of(e);
        }
      }
    }
  }

  MutableRefs(RefTable table, Snapshotter snapshotter, ContentHashes hashes, Removal removal) {
    this.table = table;
    this.snapshotter = snapshotter;
    this.hashes = hashes;
    this.removal = removal;
  }

  MutableRef claim(
      Lease lease, String key, Optional<RefRecord> parent, Sharing sharing, RefOptions options)
      throws InterruptedException {
    table.lock.lockInterruptibly();
    try {
      while (true) {
        table.named(key).stream().filter(this::isBuiltUpon).forEach(table::unname);
        List<RefRecord> named = table.named(key);
        Optional<RefRecord> free = named.stream().filter(r -> r.claims == 0).findFirst();
        if (free.isPresent()) {
          return claimed(lease, free.get(), sharing, false);
        }
        if (!named.isEmpty() && sharing == Sharing.SHARED) {
          return claimed(lease, named.getFirst(), sharing, false);
        }
        if (named.isEmpty() || sharing == Sharing.PRIVATE) {
          RefRecord fresh = make(key, parent, options);
          return claimed(lease, fresh, sharing, true);
        }
        table.claimEnded.await();
      }
    } finally {
      table.lock.unlock();
    }
  }

  /**
   * Whether others are built on what was frozen of the state. Its layers are theirs for good and
   * can never be taken back, so the name starts anew, as in BuildKit v0.22 ({@code cache/refs.go},
   * finalize). Under the lock.
   */
  private boolean isBuiltUpon(RefRecord record) {
    return record.claims == 0
        && record.chain().stream()
            .anyMatch(r -> r.labels.containsKey(FROZEN) && r.children.size() > 1);
  }

  private RefRecord make(String key, Optional<RefRecord> parent, RefOptions options) {
    var record =
        new RefRecord(
            RefTable.newId(),
            RefRecord.Kind.LAYER,
            parent.stream().toList(),
            options.type(),
            options.description(),
            options.createdAt().orElseGet(table::now));
    record.key = Optional.of(key);
    table.add(record);
    return record;
  }

  /** Under the lock. */
  private MutableRef claimed(Lease lease, RefRecord record, Sharing sharing, boolean isNew) {
    Open state = open.computeIfAbsent(record.id, id -> new Open(record));
    if (record.claims == 0) {
      thaw(record);
      table.save(record); // from now on it may change: see ADR 0004
      if (record.type == RecordType.SOURCE_LOCAL) { // the others' checksums nobody asks for
        hashes.writing(record.id, isNew);
      }
    }
    record.claims++;
    lease.hold(record.id);
    table.touch(record);
    return new Claim(lease, state, isNew);
  }

  /** Takes back the layer of a frozen state that nobody needs. Under the lock. */
  private void thaw(RefRecord record) {
    if (record.layer != 0 || record.parents.isEmpty()) {
      return;
    }
    RefRecord frozen = record.parents.getFirst();
    boolean ours = frozen.labels.containsKey(FROZEN) && frozen.kind == RefRecord.Kind.LAYER;
    if (ours && frozen.holders == 0 && frozen.children.size() == 1) {
      record.layer = frozen.layer;
      table.reparent(record, frozen.parents);
      table.save(record);
      hashes.move(frozen.id, record.id);
      table.remove(frozen);
      removal.handedOver(frozen);
    }
  }

  private static final String FROZEN = "kiln.frozen";

  /** Under the lock: the state as an unchanging record, which the named one continues on. */
  private RefRecord freeze(RefRecord record) {
    var frozen =
        new RefRecord(
            RefTable.newId(),
            RefRecord.Kind.LAYER,
            record.parents,
            record.type,
            record.description,
            table.now());
    frozen.layer = record.layer;
    table.add(frozen);
    table.label(frozen, FROZEN, record.key.orElse(""));
    record.layer = 0;
    record.sizeBytes = -1;
    table.reparent(record, List.of(frozen));
    table.save(record);
    hashes.move(record.id, frozen.id);
    return frozen;
  }

  void forget(String key, boolean below) {
    table.locked(() -> {
      for (String name : table.keys()) {
        if (below ? name.startsWith(key + ":") : name.equals(key)) {
          table.named(name).forEach(table::unname);
        }
      }
    });
  }

  private int frozenBelow(RefRecord record) {
    return (int) record.chain().stream().filter(r -> r.labels.containsKey(FROZEN)).count();
  }

  private final class Claim implements MutableRef {
    private final Lease lease;
    private final Open state;
    private final boolean isNew;
    private boolean ended;

    Claim(Lease lease, Open state, boolean isNew) {
      this.lease = lease;
      this.state = state;
      this.isNew = isNew;
    }

    @Override
    public RefId id() {
      return state.record.id;
    }

    @Override
    public boolean isNew() {
      return isNew;
    }

    private Snapshotter.Mounted mounted() {
      if (ended) {
        throw new IllegalStateException("the claim of " + state.record + " has ended");
      }
      return state.mounted();
    }

    @Override
    public Path mount() {
      return mounted().root();
    }

    @Override
    public List<Mount> mounts() {
      return mounted().mounts();
    }

    @Override
    public TreeHash hashes() {
      return hashes.of(id());
    }

    @Override
    public Ref freeze() {
      RefRecord record = state.record;
      mounted(); // even a state that was never looked at has a layer to give
      boolean alone = table.locked(() -> record.claims == 1);
      if (!alone || ended) {
        throw new BuildException(
            Kind.INTERNAL, record + " is written by others, it cannot be fixed");
      }
      state.unmount();
      try {
        snapshotter.finish(table.locked(record::layersBelow), record.layer);
      } catch (IOException e) {
        throw BuildException.of(e);
      }
      Ref frozen =
          table.locked(() -> {
            RefRecord fixed = MutableRefs.this.freeze(record);
            lease.hold(fixed.id);
            if (frozenBelow(record) >= MAX_FROZEN) {
              table.unname(record);
            }
            return fixed.ref();
          });
      hashes.save(frozen.id());
      end();
      return frozen;
    }

    @Override
    public void discard() {
      table.locked(() -> {
        table.unname(state.record);
        hashes.forget(id());
      });
      end();
    }

    private void end() {
      if (ended) {
        return;
      }
      ended = true;
      RefRecord record = state.record;
      synchronized (state) { // who claims it now waits for its turn to show it again
        boolean last = table.locked(() -> record.claims == 1);
        if (last) {
          state.unmount();
          hashes.save(record.id);
        }
        table.locked(() -> {
          record.claims--;
          record.sizeBytes = -1;
          if (record.claims == 0) {
            open.remove(record.id, state);
          }
          lease.release(record.id);
          table.claimEnded.signalAll();
        });
      }
    }

    @Override
    public void close() {
      end();
    }
  }
}
