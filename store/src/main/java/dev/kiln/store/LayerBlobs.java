package dev.kiln.store;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.StepProgress;
import dev.kiln.store.content.ContentStore;
import dev.kiln.store.layer.Compressor;
import dev.kiln.store.layer.Decompression;
import dev.kiln.store.layer.LayerPacker;
import dev.kiln.store.layer.TarReader;
import dev.kiln.store.layer.TarWriter;
import dev.kiln.store.snapshot.MergedTree;
import dev.kiln.store.snapshot.Snapshotter;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;

/**
 * Packs the layers of states as blobs, each once, several at a time. Packed forms are kept with the
 * record under a variant: format, level and clamped time. Any thread; blocks.
 */
final class LayerBlobs {
  /** Annotations of BuildKit's own use; exporters take them off (v0.22 {@code cache/blobs.go}). */
  static final String UNCOMPRESSED = "containerd.io/uncompressed";

  static final String CREATED_AT = "buildkit/createdat";

  /** Shown: the epoch in seconds that a layer was clamped to (v0.22 {@code util/converter}). */
  static final String REWRITTEN = "buildkit/rewritten-timestamp";

  private static final int PACKERS = Math.max(2, Runtime.getRuntime().availableProcessors());

  private final RefTable table;
  private final Snapshotter snapshotter;
  private final ContentStore content;
  private final Layers layers;
  private final SingleFlight<Map.Entry<RefRecord, String>> packing = new SingleFlight<>();
  private final Semaphore packers = new Semaphore(PACKERS);

  LayerBlobs(RefTable table, Snapshotter snapshotter, ContentStore content, Layers layers) {
    this.table = table;
    this.snapshotter = snapshotter;
    this.content = content;
    this.layers = layers;
  }

  /** The packed layers of a state, bottom first. */
  List<Layer> of(RefRecord top, LayerOptions options, StepProgress progress)
      throws InterruptedException {
    List<RefRecord> chain = table.locked(top::chain);
    var tasks = new ArrayList<Blocking.Task<Layer>>();
    for (RefRecord record : chain) {
      tasks.add(Blocking.onPlatform("pack-" + record.id, () -> layer(record, options, progress)));
    }
    var all = new ArrayList<Layer>();
    try {
      for (var task : tasks) {
        all.add(task.done().toCompletableFuture().get());
      }
      return all;
    } catch (ExecutionException e) {
      throw BuildException.of(e);
    } finally {
      tasks.forEach(Blocking.Task::interrupt);
    }
  }

  /** The same as far as packed forms are there already. */
  Optional<List<Layer>> known(RefRecord top, LayerOptions options) {
    String variant = variant(options);
    var all = new ArrayList<Layer>();
    for (RefRecord record : table.locked(top::chain)) {
      Optional<Layer> known = table.locked(() -> known(record, variant, options));
      if (known.isEmpty()) {
        return Optional.empty();
      }
      all.add(withSources(record, known.get(), options));
    }
    return Optional.of(List.copyOf(all));
  }

  private Layer layer(RefRecord record, LayerOptions options, StepProgress progress)
      throws Exception {
    String variant = variant(options);
    Optional<Layer> known = table.locked(() -> known(record, variant, options));
    if (known.isEmpty()) {
      packing.run(
          Map.entry(record, variant),
          () -> {
            if (table.locked(() -> known(record, variant, options)).isEmpty()) {
              Layer made = make(record, options, progress);
              table.locked(() -> table.saveBlob(record, variant, made));
            }
            return true;
          });
      known = table.locked(() -> known(record, variant, options));
    }
    return withSources(record, known.orElseThrow(), options);
  }

  private Layer withSources(RefRecord record, Layer layer, LayerOptions options) {
    var sources = new TreeSet<>(layer.sources());
    sources.addAll(content.sources(layer.blob().digest()));
    Descriptor blob = layer.blob();
    if (!layer.diffId().equals(blob.digest()) || record.pulled.isEmpty()) {
      blob =
          blob.withAnnotation(UNCOMPRESSED, layer.diffId().value())
              .withAnnotation(CREATED_AT, layer.createdAt().toString());
    }
    if (options.clampTimes().isPresent()) {
      blob = blob.withAnnotation(REWRITTEN, epoch(options));
    }
    return new Layer(
        blob.withMediaType(mediaType(blob.mediaType(), options.ociTypes())),
        layer.diffId(),
        layer.createdAt(),
        layer.description(),
        sources);
  }

  private static String variant(LayerOptions options) {
    Compression c = options.compression();
    return c.kind()
        + ":"
        + (c.level().isPresent() ? Integer.toString(c.level().getAsInt()) : "")
        + (options.clampTimes().isPresent() ? ":" + epoch(options) : "");
  }

  /** A packed form that will do; what is not lazy must be in the content store. */
  private Optional<Layer> known(RefRecord record, String variant, LayerOptions options) {
    Optional<Layer> exact =
        Optional.ofNullable(record.blobs.get(variant))
            .filter(l -> content.contains(l.blob().digest()));
    if (exact.isPresent()) {
      return exact;
    }
    if (options.clampTimes().isPresent()) {
      return record.pulled.filter(l -> isClamped(l, options));
    }
    boolean force = options.compression().force();
    Optional<Layer> pulled =
        record.pulled.filter(l ->
            !force || Compression.kindOf(l.blob().mediaType()) == options.compression().kind());
    if (pulled.isPresent()) {
      return pulled;
    }
    return record.blobs.entrySet().stream()
        .filter(e -> e.getKey().indexOf(':') == e.getKey().lastIndexOf(':')) // times as they are
        .map(Map.Entry::getValue)
        .filter(
            l -> !force || Compression.kindOf(l.blob().mediaType()) == options.compression().kind())
        .filter(l -> content.contains(l.blob().digest()))
        .min(java.util.Comparator.comparing(l -> l.blob().digest()));
  }

  /** Whether another build has clamped it just so. */
  private static boolean isClamped(Layer pulled, LayerOptions options) {
    return epoch(options).equals(pulled.blob().annotations().get(REWRITTEN))
        && Compression.kindOf(pulled.blob().mediaType()) == options.compression().kind();
  }

  private static String epoch(LayerOptions options) {
    return options.clampTimes().map(t -> Long.toString(t.getEpochSecond())).orElse("");
  }

  private static String mediaType(String known, boolean oci) {
    return switch (Compression.kindOf(known)) {
      case GZIP -> oci ? MediaTypes.OCI_LAYER_GZIP : MediaTypes.DOCKER_LAYER_GZIP;
      case ZSTD -> oci ? MediaTypes.OCI_LAYER_ZSTD : MediaTypes.DOCKER_LAYER_ZSTD;
      case UNCOMPRESSED -> oci ? MediaTypes.OCI_LAYER : MediaTypes.DOCKER_LAYER;
    };
  }

  private Layer make(RefRecord record, LayerOptions options, StepProgress progress)
      throws Exception {
    OptionalLong clamp =
        options.clampTimes().isPresent()
            ? OptionalLong.of(options.clampTimes().get().getEpochSecond())
            : OptionalLong.empty();
    if (record.pulled.isPresent()) {
      layers.fetchBlobs(record, progress);
      Layer pulled = record.pulled.get();
      return packed(
          record, options, pulled.createdAt(), tar -> convert(pulled.blob().digest(), tar, clamp));
    }
    Optional<MergedTree> below =
        table.locked(() ->
            record.kind == RefRecord.Kind.DIFF
                ? Optional.empty()
                : Optional.of(tree(record.layersBelow())));
    return packed(
        record,
        options,
        record.createdAt,
        tar -> LayerPacker.pack(snapshotter.layer(record.layer), below, new TarWriter(tar), clamp));
  }

  private MergedTree tree(List<Long> chain) {
    return new MergedTree(chain.reversed().stream().map(snapshotter::layer).toList());
  }

  private interface TarSource {
    void writeTo(OutputStream tar) throws IOException, InterruptedException;
  }

  private Layer packed(RefRecord record, LayerOptions options, Instant createdAt, TarSource source)
      throws IOException, InterruptedException {
    packers.acquire();
    try (var writer = content.writer("layer-" + record.id + "-" + variant(options))) {
      var blob =
          new OutputStream() {
            @Override
            public void write(int b) throws IOException {
              write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] from, int offset, int length) throws IOException {
              writer.write(from, offset, length);
            }
          };
      Digest diffId;
      try (var packed = Compressor.to(blob, options.compression());
          var tar = new DigestOutputStream(packed, Digest.sha256())) {
        source.writeTo(tar);
        diffId = Digest.ofHash(tar.getMessageDigest().digest());
      }
      var info = writer.commit(Optional.empty(), -1);
      var descriptor =
          new Descriptor(
              switch (options.compression().kind()) {
                case GZIP -> MediaTypes.OCI_LAYER_GZIP;
                case ZSTD -> MediaTypes.OCI_LAYER_ZSTD;
                case UNCOMPRESSED -> MediaTypes.OCI_LAYER;
              },
              info.digest(),
              info.sizeBytes());
      return new Layer(descriptor, diffId, createdAt, record.description, new TreeSet<>());
    } finally {
      packers.release();
    }
  }

  /** A pulled layer's tar again: as it is, or with times clamped. */
  private void convert(Digest blob, OutputStream tar, OptionalLong clamp) throws IOException {
    try (InputStream in = Decompression.of(content.stream(blob))) {
      if (clamp.isEmpty()) {
        in.transferTo(tar);
        return;
      }
      var reader = new TarReader(in);
      var writer = new TarWriter(tar);
      byte[] buffer = new byte[1 << 16];
      for (var e = reader.next(); e.isPresent(); e = reader.next()) {
        writer.entry(e.get().clamped(clamp.getAsLong()));
        for (int n; (n = reader.read(buffer, 0, buffer.length)) > 0; ) {
          writer.write(buffer, 0, n);
        }
      }
      writer.close();
    }
  }
}
