package dev.kiln.actors;

import dev.kiln.actors.CacheTable.KeyRef;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The local cache's table with what keeps it on disk, and lookups over it and imported ones. Any
 * thread. What is saved is seen at once; {@link #flush} hands it to the store in order.
 */
final class CacheIndex {
  /** What the caches of one output of a vertex know. Reads memory, never waits. */
  interface Lookup {
    /** Keys of the output that these keys of an input lead to. */
    Collection<KeyRef> probe(int input, List<CacheKey.Dep> keys, KeyDigest digest);

    /** A key without inputs, as far as some cache knows it. */
    Optional<CacheKey> root(KeyDigest digest);

    /** A key found by its inputs. */
    CacheKey identify(KeyRef ref, KeyDigest digest, List<List<CacheKey.Dep>> deps);
  }

  /** The id of the local table. */
  static final String LOCAL = "local";

  private static final Logger LOG = LoggerFactory.getLogger(CacheIndex.class);

  private final CacheTable local;
  private final CacheStore store;
  private final List<CacheStore.Change> unwritten = new ArrayList<>();
  private volatile boolean failing;
  private CompletionStage<Void> lastWrite = CompletableFuture.completedFuture(null);

  /** Reads the store; blocks. */
  CacheIndex(CacheStore store, ResultLoader loader) {
    this.store = store;
    this.local = new CacheTable(LOCAL, loader, this::changed);
    local.fill(store.read());
  }

  CacheTable local() {
    return local;
  }

  private void changed(CacheStore.Change change) {
    synchronized (unwritten) {
      unwritten.add(change);
    }
  }

  /** Hands on all changes so far; done when they are safe. */
  CompletionStage<Void> flush() {
    synchronized (unwritten) {
      if (!unwritten.isEmpty()) {
        List<CacheStore.Change> changes = List.copyOf(unwritten);
        unwritten.clear();
        try {
          lastWrite = store.write(changes);
        } catch (RuntimeException | Error e) { // the store's failure is not its caller's
          lastWrite = CompletableFuture.failedFuture(e);
        }
      }
      return lastWrite;
    }
  }

  /**
   * Hands on all changes and calls {@code after} once they are safe, before anything that waits for
   * a later flush goes on. Where the store fails, the build goes on with what is in memory.
   */
  void flushThen(Runnable after) {
    synchronized (unwritten) {
      lastWrite =
          flush()
              .handle((done, error) -> {
                tell(error);
                return true;
              })
              .thenRun(after);
    }
  }

  /** Once for as long as it fails: each vertex would say it. */
  private void tell(@Nullable Throwable error) {
    if (error == null) {
      failing = false;
    } else if (!failing) {
      failing = true;
      LOG.error("cache records could not be written; builds go on with what is in memory", error);
    }
  }

  /** Records a result under its key; what leads to the key is linked. */
  void save(CacheKey key, Optional<ResultId> result, Instant createdAt) {
    CacheRecord record = CacheRecord.of(result, createdAt);
    local.save(key, record);
    key.export(
        new CacheKey.Export(
            key.export().vertex(),
            key.export().exportCache(),
            List.of(new CacheKey.Found(local, record))));
  }

  /** A lookup for one output of a vertex; {@code imports} is read at each call. */
  Lookup lookup(
      Digest vertex,
      Optional<Boolean> exportCache,
      int output,
      Supplier<List<CacheTable>> imports) {
    return new Lookup() {
      @Override
      public Collection<KeyRef> probe(int input, List<CacheKey.Dep> keys, KeyDigest digest) {
        List<CacheTable> others = imports.get();
        Collection<KeyRef> found = local.probe(keys, input, digest, output);
        if (others.isEmpty()) {
          return found;
        }
        var all = new LinkedHashSet<>(found);
        others.forEach(table -> all.addAll(table.probe(keys, input, digest, output)));
        return all;
      }

      @Override
      public Optional<CacheKey> root(KeyDigest digest) {
        var key = new CacheKey(digest, output, List.of());
        String id = key.rootId().value();
        boolean known =
            local.exists(id) || imports.get().stream().anyMatch(table -> table.exists(id));
        if (!known) {
          return Optional.empty();
        }
        key.export(new CacheKey.Export(Optional.of(vertex), exportCache, records(key)));
        return Optional.of(key);
      }

      @Override
      public CacheKey identify(KeyRef ref, KeyDigest digest, List<List<CacheKey.Dep>> deps) {
        var key = new CacheKey(digest, output, deps);
        ref.table().learn(key, ref.id());
        key.export(new CacheKey.Export(Optional.of(vertex), exportCache, records(key)));
        return key;
      }

      private List<CacheKey.Found> records(CacheKey key) {
        var found = new ArrayList<CacheKey.Found>();
        addRecords(local, key, found);
        imports.get().forEach(table -> addRecords(table, key, found));
        return found;
      }
    };
  }

  private static void addRecords(CacheTable table, CacheKey key, List<CacheKey.Found> to) {
    table
        .idOf(key)
        .ifPresent(id -> table.records(id).forEach(r -> to.add(new CacheKey.Found(table, r))));
  }
}
