package dev.kiln.store;

import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.store.content.ContentStore;
import dev.kiln.store.records.Database;
import dev.kiln.store.snapshot.LayerChanges;
import dev.kiln.store.snapshot.MergedTree;
import dev.kiln.store.snapshot.Snapshotter;
import dev.kiln.sys.Mount;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** {@link Refs} of one directory. What is long or large is done by the classes it puts together. */
final class LocalRefs implements Refs {
  private final RefTable table;
  private final Database database;
  private final Snapshotter snapshotter;
  private final ContentStore content;
  private final Layers layers;
  private final LayerBlobs blobs;
  private final ContentHashes hashes;
  private final MutableRefs mutables;
  private final Pruning pruning;
  private final List<Consumer<RefId>> listeners = new CopyOnWriteArrayList<>();

  LocalRefs(
      RefTable table,
      Database database,
      Snapshotter snapshotter,
      ContentStore content,
      LocalLeases leases,
      ContentHashes hashes,
      Path root) {
    this.table = table;
    this.database = database;
    this.snapshotter = snapshotter;
    this.content = content;
    this.layers = new Layers(table, snapshotter, content);
    this.blobs = new LayerBlobs(table, snapshotter, content, layers);
    this.hashes = hashes;
    Removal removal =
        new Removal(
            table, database, snapshotter, hashes, id -> listeners.forEach(l -> l.accept(id)));
    this.mutables = new MutableRefs(table, snapshotter, hashes, removal);
    this.pruning = new Pruning(table, snapshotter, content, leases, removal, root);
  }

  @Override
  public Ref get(Lease lease, RefId id) {
    return table.locked(() -> {
      RefRecord record = table.require(id);
      for (RefRecord layer : record.chain()) {
        if (layer.isLazyLayer()
            && layer.sources().stream().noneMatch(BlobSource::isReachable)
            && !content.contains(layer.pulled.orElseThrow().blob().digest())
            && !table.imageLayers.isHere(layer)) {
          throw new BuildException(
              Kind.NOT_FOUND, "ref " + id + " is lazy, and nobody knows where it comes from");
        }
      }
      lease.hold(id);
      table.touch(record);
      return record.ref();
    });
  }

  @Override
  public ActiveRef create(
      Lease lease, Optional<RefId> parent, RefOptions options, StepProgress progress)
      throws InterruptedException {
    Optional<RefRecord> below = parent.map(this::require);
    if (below.isPresent()) {
      layers.bring(below.get(), progress);
    }
    List<Long> chain = table.locked(() -> below.map(RefRecord::layers).orElse(List.of()));
    try {
      return new Active(lease, below, options, chain, snapshotter.create());
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  private RefRecord require(RefId id) {
    return table.locked(() -> table.require(id));
  }

  private RefRecord newRecord(RefRecord.Kind kind, List<RefRecord> parents, RefOptions options) {
    return new RefRecord(
        RefTable.newId(),
        kind,
        parents,
        options.type(),
        options.description(),
        options.createdAt().orElseGet(table::now));
  }

  private Ref recorded(Lease lease, RefRecord record) {
    return table.locked(() -> {
      for (RefRecord parent : record.parents) {
        if (parent.removed) {
          throw new BuildException(Kind.NOT_FOUND, "no such ref: " + parent.id);
        }
      }
      table.add(record);
      lease.hold(record.id);
      return record.ref();
    });
  }

  private Ref recordedIfListable(Lease lease, RefRecord record) {
    Chain.requireListable(record);
    return recorded(lease, record);
  }

  @Override
  public Ref layer(
      Lease lease, Optional<RefId> parent, Layer layer, BlobSource from, RefOptions options) {
    return table.locked(() -> {
      Optional<RefRecord> below = parent.map(table::require);
      Layer own = layer.describedAs(options.description());
      Digest claim = LayerClaim.of(below, own);
      RefRecord record =
          table
              .imageLayers
              .claimed(claim)
              .orElseGet(() -> {
                var fresh = newRecord(RefRecord.Kind.LAYER, below.stream().toList(), options);
                fresh.chainId = Optional.of(chainId(below, own.diffId()));
                fresh.claim = Optional.of(claim);
                table.saveBlob(
                    fresh, RefTable.PULLED, own); // a ref is never there without its blob
                table.imageLayers.adopt(fresh);
                table.add(fresh);
                return fresh;
              });
      record.offer(from);
      lease.hold(record.id);
      table.touch(record);
      return record.ref();
    });
  }

  @Override
  public void offer(List<Layer> chain, BlobSource from) {
    table.locked(() -> {
      Optional<RefRecord> below = Optional.empty();
      for (Layer layer : chain) {
        below = table.imageLayers.claimed(LayerClaim.of(below, layer));
        if (below.isEmpty()) {
          return;
        }
        below.get().offer(from);
      }
    });
  }

  /** OCI image-spec, config.md, "Layer ChainID". */
  private static Digest chainId(Optional<RefRecord> below, Digest diffId) {
    if (below.isEmpty()) {
      return diffId;
    }
    Digest parent =
        below
            .get()
            .chainId
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "an image layer on top of " + below.get().id + ", which is none"));
    return Digest.of(parent + " " + diffId);
  }

  @Override
  public Ref merge(Lease lease, List<RefId> inputs, RefOptions options) {
    if (inputs.isEmpty()) {
      throw new IllegalArgumentException("a merge of nothing");
    }
    if (inputs.size() == 1) {
      return get(lease, inputs.getFirst());
    }
    return table.locked(() -> {
      List<RefRecord> parents = inputs.stream().map(table::require).toList();
      return recordedIfListable(lease, newRecord(RefRecord.Kind.MERGE, parents, options));
    });
  }

  @Override
  public Optional<Ref> diff(
      Lease lease,
      Optional<RefId> lower,
      Optional<RefId> upper,
      RefOptions options,
      StepProgress progress)
      throws InterruptedException {
    if (lower.equals(upper)) {
      return Optional.empty();
    }
    if (lower.isEmpty()) {
      return upper.map(id -> get(lease, id));
    }
    RefRecord below = require(lower.get());
    if (upper.isEmpty()) {
      return Optional.of(computed(lease, below, Optional.empty(), options, progress));
    }
    RefRecord above = require(upper.get());
    if (areTheDifference(below, above)) {
      return Optional.of(
          table.locked(() ->
              recordedIfListable(
                  lease, newRecord(RefRecord.Kind.UPPER_LAYERS, List.of(below, above), options))));
    }
    return Optional.of(computed(lease, below, Optional.of(above), options, progress));
  }

  /** Whether what {@code above} has on top of {@code below} are layers that are nothing else. */
  private boolean areTheDifference(RefRecord below, RefRecord above) {
    List<RefRecord> longer = table.locked(above::chain);
    List<RefRecord> shorter = table.locked(below::chain);
    if (longer.size() <= shorter.size()
        || !IntStream.range(0, shorter.size())
            .allMatch(i -> longer.get(i).isLike(shorter.get(i)))) {
      return false;
    }
    try {
      for (RefRecord added : longer.subList(shorter.size(), longer.size())) {
        // Of a pulled layer only its changes are here.
        if (added.pulled.isEmpty()
            && !LayerChanges.areAll(
                tree(table.locked(added::layersBelow)), snapshotter.layer(added.layer))) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  private Ref computed(
      Lease lease,
      RefRecord lower,
      Optional<RefRecord> upper,
      RefOptions options,
      StepProgress progress)
      throws InterruptedException {
    layers.bring(lower, progress);
    if (upper.isPresent()) {
      layers.bring(upper.get(), progress);
    }
    List<RefRecord> parents = new ArrayList<>(List.of(lower));
    upper.ifPresent(parents::add);
    try {
      long number = snapshotter.create();
      try {
        var below = tree(table.locked(lower::layers));
        var above = tree(table.locked(() -> upper.map(RefRecord::layers).orElse(List.of())));
        snapshotter.writeDifference(number, below, above);
        RefRecord record = newRecord(RefRecord.Kind.DIFF, parents, options);
        record.layer = number;
        return recorded(lease, record);
      } catch (IOException | RuntimeException e) {
        snapshotter.remove(number);
        throw e;
      }
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  private MergedTree tree(List<Long> chain) {
    return new MergedTree(chain.reversed().stream().map(snapshotter::layer).toList());
  }

  @Override
  public void unlazy(RefId id, StepProgress progress) throws InterruptedException {
    layers.bring(require(id), progress);
  }

  @Override
  public boolean isLazy(RefId id) {
    return table.locked(() -> table.require(id).chain().stream().anyMatch(RefRecord::isLazyLayer));
  }

  @Override
  public View view(RefId id, StepProgress progress) throws InterruptedException {
    RefRecord record = require(id);
    layers.bring(record, progress);
    try {
      return new MountedView(snapshotter.view(table.locked(record::layers)));
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  private record MountedView(Snapshotter.Mounted mounted) implements View {
    @Override
    public Path root() {
      return mounted.root();
    }

    @Override
    public List<Mount> mounts() {
      return mounted.mounts();
    }

    @Override
    public void close() {
      try {
        mounted.close();
      } catch (IOException e) {
        throw BuildException.of(e);
      }
    }
  }

  @Override
  public List<Layer> layers(RefId id, LayerOptions options, StepProgress progress)
      throws InterruptedException {
    return blobs.of(require(id), options, progress);
  }

  @Override
  public Optional<List<Layer>> knownLayers(RefId id, LayerOptions options) {
    return blobs.known(require(id), options);
  }

  @Override
  public void fetchBlobs(RefId id, StepProgress progress) throws InterruptedException {
    layers.fetchBlobs(require(id), progress);
  }

  @Override
  public Digest contentHash(RefId id, ContentQuery query, StepProgress progress)
      throws InterruptedException {
    RefRecord record = require(id);
    layers.bring(record, progress);
    try {
      return hashes.checksum(record, query);
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  @Override
  public MutableRef claim(
      Lease lease, String key, Optional<RefId> parent, Sharing sharing, RefOptions options)
      throws InterruptedException {
    Optional<RefRecord> below = parent.map(this::require);
    if (below.isPresent()) {
      layers.bring(below.get(), StepProgress.NONE);
    }
    return mutables.claim(lease, key, below, sharing, options);
  }

  @Override
  public void index(RefId id, String key, String value) {
    table.locked(() -> table.label(table.require(id), key, value));
  }

  @Override
  public List<Indexed> indexed(String key) {
    return table.locked(() ->
        table.labelled(key).stream()
            .map(r -> new Indexed(r.id, r.labels.getOrDefault(key, "")))
            .toList());
  }

  @Override
  public void forget(String key, boolean below) {
    mutables.forget(key, below);
  }

  @Override
  public List<UsageRecord> usage(List<String> filters, Duration ageLimit) {
    return pruning.usage(filters, ageLimit);
  }

  @Override
  public void prune(PruneRequest request, Consumer<UsageRecord> removed)
      throws InterruptedException {
    pruning.prune(request, removed);
  }

  @Override
  public void sweepBlobs(Duration grace) {
    pruning.sweepBlobs(grace);
  }

  @Override
  public void onRemoved(Consumer<RefId> listener) {
    listeners.add(listener);
  }

  @Override
  public void flush() throws InterruptedException {
    database.flush();
  }

  /** A new state under way. */
  private final class Active implements ActiveRef {
    private final Lease lease;
    private final List<Long> below;
    private final long number;
    private final RefRecord record;
    private Snapshotter.@org.jspecify.annotations.Nullable Mounted mounted;
    private boolean ended;

    Active(
        Lease lease,
        Optional<RefRecord> parent,
        RefOptions options,
        List<Long> below,
        long number) {
      this.lease = lease;
      this.below = below;
      this.number = number;
      this.record = newRecord(RefRecord.Kind.LAYER, parent.stream().toList(), options);
    }

    @Override
    public RefId id() {
      return record.id;
    }

    private Snapshotter.Mounted mounted() {
      if (ended) {
        throw new IllegalStateException(record + " is not written any more");
      }
      if (mounted == null) {
        try {
          mounted = snapshotter.write(below, number);
        } catch (IOException e) {
          throw BuildException.of(e);
        }
      }
      return mounted;
    }

    @Override
    public Path mount() {
      return mounted().root();
    }

    @Override
    public List<Mount> mounts() {
      return mounted().mounts();
    }

    private void unmount() throws IOException {
      if (mounted != null) {
        mounted.close();
        mounted = null;
      }
    }

    @Override
    public Ref commit() {
      try {
        boolean written = mounted != null;
        unmount();
        if (written) {
          snapshotter.finish(below, number);
        } else {
          snapshotter.write(below, number).close(); // what is never shown still inherits its root
          snapshotter.finish(below, number);
        }
        record.layer = number;
        Ref ref = recorded(lease, record);
        ended = true;
        return ref;
      } catch (IOException e) {
        throw BuildException.of(e);
      }
    }

    @Override
    public void close() {
      if (!ended) {
        ended = true;
        try {
          unmount();
          snapshotter.remove(number);
        } catch (IOException e) {
          throw BuildException.of(e);
        }
      }
    }
  }
}
