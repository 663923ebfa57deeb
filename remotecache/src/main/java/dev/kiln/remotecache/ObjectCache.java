package dev.kiln.remotecache;

import dev.kiln.exporters.Parallel;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.remotecache.graph.CacheConfig;
import dev.kiln.remotecache.graph.ChainLayer;
import dev.kiln.remotecache.graph.ConfigWriter;
import dev.kiln.sources.image.BlobTransfer;
import dev.kiln.store.BlobSource;
import dev.kiln.store.Layer;
import dev.kiln.store.content.ContentStore;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/**
 * A cache in an {@link ObjectStore}: a config under one name or several, which tells of its blobs
 * what a manifest would, and the blobs by their digests. The store is opened when it is first used,
 * so that a daemon that nobody asks for it has none of its classes. Any thread; blocks. Source of
 * the form: BuildKit v0.22.0, {@code cache/remotecache/s3/s3.go} and {@code azblob}.
 */
final class ObjectCache implements CacheTarget, BlobSource {
  /** Larger ones are somebody's joke. */
  private static final int CONFIG_LIMIT = 128 << 20;

  private final Supplier<ObjectStore> objects;
  private final ObjectStore.Layout layout;
  private final ContentStore content;
  private final Clock clock;

  ObjectCache(
      Supplier<ObjectStore> objects, ObjectStore.Layout layout, ContentStore content, Clock clock) {
    this.objects = objects;
    this.layout = layout;
    this.content = content;
    this.clock = clock;
  }

  @Override
  public Map<String, String> write(ConfigWriter.Written cache, StepProgress progress)
      throws IOException, InterruptedException {
    ObjectStore store = objects.get();
    var layers = new LinkedHashMap<Digest, ChainLayer>();
    cache.layers().forEach(layer -> layers.put(layer.layer().blob().digest(), layer));
    var pieces =
        layers.values().stream()
            .<Callable<Boolean>>map(layer ->
                () -> {
                  write(store, layer, progress);
                  return true;
                })
            .toList();
    Parallel.run("export-cache", layout.parallel(), pieces);
    byte[] config = withAbout(cache).toJson();
    for (String name : layout.manifests()) {
      try (var _ = progress.part("writing cache manifest " + name)) {
        store.replace(name, config);
      } catch (BuildException e) {
        throw e.wrap("error writing manifest: " + name);
      }
    }
    return Map.of();
  }

  private void write(ObjectStore store, ChainLayer layer, StepProgress progress)
      throws IOException, InterruptedException {
    Descriptor blob = layer.layer().blob();
    String name = layout.blobs() + blob.digest();
    Optional<ObjectStore.Stored> there;
    try {
      there = store.find(name);
    } catch (BuildException e) {
      throw e.wrap("failed to check file presence in cache");
    }
    if (there.isPresent()) {
      if (there.get().changedAt().plus(layout.touchAfter()).isBefore(clock.instant())) {
        try {
          store.touch(name, there.get());
        } catch (BuildException e) {
          throw e.wrap("failed to touch file");
        }
      }
      return;
    }
    try (var _ = progress.part("writing layer " + blob.digest())) {
      if (!content.contains(blob.digest())) {
        layer.bring().bring(progress);
      }
      store.put(name, blob.sizeBytes(), () -> content.stream(blob.digest()));
    } catch (BuildException e) {
      throw e.wrap("error writing layer blob");
    }
  }

  private static CacheConfig withAbout(ConfigWriter.Written cache) {
    var all = new ArrayList<CacheConfig.Layer>();
    for (CacheConfig.Layer layer : cache.config().layers()) {
      Layer of = cache.layers().get(all.size()).layer();
      all.add(
          new CacheConfig.Layer(
              layer.blob(), layer.parent(), Optional.of(CacheConfig.About.of(of))));
    }
    return new CacheConfig(all, cache.config().records());
  }

  /** Reads the cache into a table; one that nobody has written yet is empty. */
  void read(ImportedTable table) throws IOException, InterruptedException {
    for (String name : layout.imported()) {
      read(name, table);
    }
  }

  private void read(String name, ImportedTable table) throws IOException, InterruptedException {
    Optional<InputStream> in = objects.get().open(name, 0);
    if (in.isEmpty()) {
      return;
    }
    byte[] json;
    try (InputStream bytes = in.get()) {
      json = bytes.readNBytes(CONFIG_LIMIT + 1);
    }
    if (json.length > CONFIG_LIMIT) {
      throw new BuildException(Kind.INVALID, "the cache's config is larger than 128 MiB");
    }
    CacheConfig config = CacheConfig.parse(json);
    var layers = new ArrayList<Optional<Layer>>();
    for (CacheConfig.Layer layer : config.layers()) {
      CacheConfig.About about =
          layer
              .about()
              .orElseThrow(
                  () -> new BuildException(Kind.INVALID, "cache layer with missing annotations"));
      layers.add(
          Optional.of(
              new Layer(
                  new Descriptor(about.mediaType(), layer.blob(), about.sizeBytes()),
                  about.diffId(),
                  about.createdAt(),
                  "",
                  new TreeSet<>())));
    }
    table.add(config, layers);
  }

  @Override
  public void fetch(Descriptor blob, ContentStore into, StepProgress progress)
      throws InterruptedException {
    String name = layout.blobs() + blob.digest();
    BlobTransfer.run(
        blob,
        into,
        progress,
        sink -> {
          Optional<InputStream> found = objects.get().open(name, sink.written());
          if (found.isEmpty()) {
            throw new BuildException(
                Kind.NOT_FOUND, "the cache does not hold the layer " + blob.digest() + " any more");
          }
          try (InputStream in = found.get()) {
            byte[] buffer = new byte[128 << 10];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
              sink.write(buffer, 0, n);
            }
          }
        });
  }

  @Override
  public boolean isReachable() {
    return objects.get().isReachable();
  }

  static List<String> names(String prefix, String names) {
    return List.of(names.split(";")).stream().map(name -> prefix + name).toList();
  }
}
