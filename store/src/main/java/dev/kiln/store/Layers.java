package dev.kiln.store;

import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.store.content.ContentStore;
import dev.kiln.store.layer.Decompression;
import dev.kiln.store.layer.HashingInput;
import dev.kiln.store.layer.LayerUnpacker;
import dev.kiln.store.snapshot.LayerAdoption;
import dev.kiln.store.snapshot.Snapshotter;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;

/**
 * Brings image layers here: fetches and unpacks several at once, each of them once however many
 * builds want it. A layer is recorded only when all below it are here. Any thread; blocks.
 */
final class Layers {
  private static final int UNPACKERS = Math.max(2, Runtime.getRuntime().availableProcessors());

  private final RefTable table;
  private final Snapshotter snapshotter;
  private final ContentStore content;
  private final SingleFlight<RefRecord> unpacking = new SingleFlight<>();
  private final SingleFlight<RefRecord> fetching = new SingleFlight<>();
  private final Semaphore unpackers = new Semaphore(UNPACKERS);

  Layers(RefTable table, Snapshotter snapshotter, ContentStore content) {
    this.table = table;
    this.snapshotter = snapshotter;
    this.content = content;
  }

  /** Everything in the chain of {@code top} that is not here. */
  private List<RefRecord> missing(RefRecord top) {
    return table.locked(
        () -> top.chain().stream().filter(RefRecord::isLazyLayer).distinct().toList());
  }

  /** Unpacks what is missing below {@code top}. */
  void bring(RefRecord top, StepProgress progress) throws InterruptedException {
    List<RefRecord> missing = missing(top);
    all(missing, "unpack", layer -> unpacking.run(layer, () -> unpack(layer, progress)));
  }

  /** Fetches the blobs of the pulled layers in the chain of {@code top}. */
  void fetchBlobs(RefRecord top, StepProgress progress) throws InterruptedException {
    List<RefRecord> pulled =
        table.locked(
            () -> top.chain().stream().filter(r -> r.pulled.isPresent()).distinct().toList());
    all(pulled, "fetch", layer -> fetch(layer, progress));
  }

  private interface Work {
    void on(RefRecord layer) throws Exception;
  }

  /** Does the work for each, at the same time; the first failure ends the others. */
  private static void all(List<RefRecord> layers, String name, Work work)
      throws InterruptedException {
    var tasks = new ArrayList<Blocking.Task<Boolean>>();
    for (RefRecord layer : layers) {
      tasks.add(
          Blocking.onPlatform(
              name + "-" + layer.id,
              () -> {
                work.on(layer);
                return true;
              }));
    }
    try {
      for (var task : tasks) {
        task.done().toCompletableFuture().get();
      }
    } catch (ExecutionException e) {
      throw BuildException.of(e);
    } finally {
      tasks.forEach(Blocking.Task::interrupt); // done ones do not care
    }
  }

  /** The layer, whose blob is here then. */
  private Layer fetch(RefRecord record, StepProgress progress) throws Exception {
    Layer layer = table.locked(() -> record.pulled.orElseThrow());
    if (!content.contains(layer.blob().digest())) {
      fetching.run(record, () -> fetchFromAny(record, layer, progress));
    }
    return layer;
  }

  /** Asks one after the other; those whose client is gone only where there is nobody else. */
  private boolean fetchFromAny(RefRecord record, Layer layer, StepProgress progress)
      throws InterruptedException {
    List<BlobSource> all = table.locked(record::sources);
    List<BlobSource> reachable = all.stream().filter(BlobSource::isReachable).toList();
    BuildException last =
        new BuildException(
            Kind.NOT_FOUND, "no source to fetch the layer " + layer.blob().digest() + " from");
    for (BlobSource source :
        reachable.isEmpty() ? all.subList(0, Math.min(1, all.size())) : reachable) {
      try {
        source.fetch(layer.blob(), content, progress);
        return true;
      } catch (BuildException e) {
        if (e.kind() == Kind.CANCELED) {
          throw e;
        }
        last = e;
      }
    }
    throw last;
  }

  private boolean unpack(RefRecord record, StepProgress progress) throws Exception {
    if (table.locked(() -> table.imageLayers.isHere(record))) {
      return true; // another did it between our look and our turn
    }
    Layer layer = fetch(record, progress);
    long number = snapshotter.create();
    boolean done = false;
    try {
      boolean bottom = table.locked(() -> record.parents.isEmpty());
      LayerAdoption adoption;
      unpackers.acquire();
      try (var part = progress.part("extracting " + layer.blob().digest())) {
        part.update(0, 0);
        adoption = unpackAlone(layer, number, bottom);
      } finally {
        unpackers.release();
      }
      if (!bottom) {
        RefRecord parent = table.locked(() -> record.parents.getFirst());
        for (RefRecord lower : missing(parent)) { // mostly under way beside us: wait, or do it
          unpacking.run(lower, () -> unpack(lower, progress));
        }
        List<Long> below = table.locked(parent::layers);
        if (!adoption.adopt(snapshotter, below)) {
          snapshotter.remove(number);
          number = snapshotter.create();
          unpackOnto(layer, below, number);
        }
      }
      long finished = number;
      done =
          table.locked(() -> {
            if (table.imageLayers.isHere(record)) {
              return false; // by one that was packed otherwise
            }
            record.layer = finished;
            table.save(record);
            return true;
          });
      return true;
    } finally {
      if (!done) {
        snapshotter.remove(number);
      }
    }
  }

  private LayerAdoption unpackAlone(Layer layer, long number, boolean bottom)
      throws IOException, InterruptedException {
    var into = bottom ? LayerUnpacker.Into.BOTTOM_LAYER : LayerUnpacker.Into.LAYER;
    try (var unpacker = new LayerUnpacker(snapshotter.layer(number), into)) {
      unpack(layer, unpacker);
      return new LayerAdoption(
          snapshotter.layer(number),
          unpacker.implicitDirectories(),
          unpacker.hasRootEntry(),
          unpacker.hasOpaque(),
          false);
    } catch (LayerUnpacker.NeedsLower e) {
      return new LayerAdoption(snapshotter.layer(number), List.of(), false, false, true);
    }
  }

  /** Unpacks a layer that needs those below it, onto the mounted tree. */
  private void unpackOnto(Layer layer, List<Long> below, long number)
      throws IOException, InterruptedException {
    try (var mounted = snapshotter.write(below, number);
        var unpacker = new LayerUnpacker(mounted.root(), LayerUnpacker.Into.TREE)) {
      unpack(layer, unpacker);
    }
    snapshotter.finish(below, number);
  }

  private void unpack(Layer layer, LayerUnpacker unpacker)
      throws IOException, InterruptedException {
    Digest digest = layer.blob().digest();
    try (InputStream packed = content.stream(digest);
        InputStream tar = Decompression.of(packed)) {
      var hashed = new HashingInput(tar);
      unpacker.unpack(hashed);
      byte[] rest = new byte[1 << 16];
      while (hashed.read(rest) >= 0) {
        // padding after the end counts for the digest too
      }
      Digest diffId = Digest.ofHash(hashed.hash());
      if (!diffId.equals(layer.diffId())) {
        throw new BuildException(
            Kind.INVALID,
            "failed to verify layer "
                + digest
                + ": expected diffID "
                + layer.diffId()
                + ", got "
                + diffId);
      }
    }
  }
}
