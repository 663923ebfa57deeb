package dev.kiln.remotecache;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.actors.CacheTable;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Manifests;
import dev.kiln.remotecache.graph.CacheConfig;
import dev.kiln.store.Layer;
import dev.kiln.store.Lease;
import dev.kiln.store.Store;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Reads a cache that lies in blobs: a manifest or an index with a cache config, or images that
 * carry their cache in their configurations. Confined to one thread; blocks. Source: BuildKit
 * v0.22.0, {@code cache/remotecache/import.go}.
 */
final class CacheReader {
  /** Larger configs are somebody's joke: this one tells of some hundred thousand steps. */
  private static final long CONFIG_LIMIT = 128L << 20;

  private static final int MAX_DEPTH = 8;
  private static final String DIFF_ID = "containerd.io/uncompressed";
  private static final String CREATED_AT = "buildkit/createdat";
  private static final String DESCRIPTION = "buildkit/description";
  private static final String INLINE = "moby.buildkit.cache.v0";

  private final Store store;
  private final CacheOrigin origin;
  private final Lease lease;
  private final StepProgress progress;
  private final ImportedTable table;

  /**
   * @param table what is read goes there
   */
  CacheReader(
      Store store, CacheOrigin origin, Lease lease, StepProgress progress, ImportedTable table) {
    this.store = store;
    this.origin = origin;
    this.lease = lease;
    this.progress = progress;
    this.table = table;
  }

  CacheTable read() throws IOException, InterruptedException {
    byte[] top = origin.small(origin.top(progress), progress);
    String type = Manifests.mediaType(top);
    progress.part("inferred cache manifest type: " + type).close();
    boolean index = MediaTypes.isIndex(type);
    List<Descriptor> blobs = index ? Manifests.index(top) : Manifests.manifest(top).layers();
    Optional<Descriptor> config =
        (index ? blobs.stream() : java.util.stream.Stream.of(Manifests.manifest(top).config()))
            .filter(blob -> blob.mediaType().equals(CacheConfig.MEDIA_TYPE))
            .findFirst();
    if (config.isEmpty()) {
      for (Manifests.Manifest image :
          images(top, new LinkedHashMap<>(), new HashSet<>(), 0).values()) {
        readInline(image);
      }
      return table.table();
    }
    var layers = new HashMap<Digest, Layer>();
    for (Descriptor blob : blobs) {
      if (!blob.mediaType().equals(CacheConfig.MEDIA_TYPE)) {
        layer(blob).ifPresent(layer -> layers.put(blob.digest(), layer));
      }
    }
    table.add(CacheConfig.parse(config(config.get())), layers);
    return table.table();
  }

  private byte[] config(Descriptor blob) throws InterruptedException {
    checkSize(blob, blob.sizeBytes());
    lease.hold(blob.digest());
    origin.fetch(blob, store.content(), progress);
    // A descriptor without a size leaves it to what came.
    store.content().info(blob.digest()).ifPresent(info -> checkSize(blob, info.sizeBytes()));
    return store.content().read(blob.digest());
  }

  private static void checkSize(Descriptor blob, long sizeBytes) {
    if (sizeBytes > CONFIG_LIMIT) {
      throw new BuildException(
          Kind.INVALID,
          "blob " + blob.digest() + " is too large (" + sizeBytes + " > " + CONFIG_LIMIT + ")");
    }
  }

  /** A layer by what its descriptor tells; empty where that is too little to unpack it. */
  private Optional<Layer> layer(Descriptor blob) {
    boolean plain =
        blob.mediaType().equals(MediaTypes.OCI_LAYER)
            || blob.mediaType().equals(MediaTypes.DOCKER_LAYER);
    String diffId = blob.annotations().getOrDefault(DIFF_ID, plain ? blob.digest().value() : "");
    return Digest.isValid(diffId)
        ? Optional.of(
            layer(
                blob,
                new Digest(diffId),
                time(blob.annotations().getOrDefault(CREATED_AT, "")),
                blob.annotations().getOrDefault(DESCRIPTION, "")))
        : Optional.empty();
  }

  private Layer layer(Descriptor blob, Digest diffId, Instant createdAt, String description) {
    var sources = new TreeSet<String>();
    origin
        .repository()
        .ifPresent(repository -> {
          sources.add(repository);
          store.content().addSource(blob.digest(), repository);
        });
    var bare = new Descriptor(blob.mediaType(), blob.digest(), blob.sizeBytes());
    return new Layer(bare, diffId, createdAt, description, sources);
  }

  private static Instant time(String text) {
    try {
      return text.isEmpty() ? Instant.EPOCH : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw new BuildException(Kind.INVALID, "invalid time of a layer: " + text, e);
    }
  }

  /**
   * All images below a manifest or index, by their digests.
   *
   * @param seen what was looked at: indexes may name each other over and over
   */
  private Map<Digest, Manifests.Manifest> images(
      byte[] bytes, Map<Digest, Manifests.Manifest> all, Set<Digest> seen, int depth)
      throws IOException, InterruptedException {
    if (MediaTypes.isManifest(Manifests.mediaType(bytes))) {
      all.put(Digest.of(bytes), Manifests.manifest(bytes));
    } else if (depth < MAX_DEPTH) {
      for (Descriptor child : Manifests.index(bytes)) {
        if (seen.add(child.digest())) {
          images(origin.small(child, progress), all, seen, depth + 1);
        }
      }
    }
    return all;
  }

  private void readInline(Manifests.Manifest image) throws IOException, InterruptedException {
    if (image.layers().isEmpty()) {
      return;
    }
    byte[] json = origin.small(image.config(), progress);
    JsonNode records = Json.read(Kind.INVALID, "failed to parse image", json).path(INLINE);
    Manifests.Config config = Manifests.config(json);
    if (!records.isTextual() || config.diffIds().size() != image.layers().size()) {
      return;
    }
    var layers = new ArrayList<Optional<Layer>>();
    for (int i = 0; i < image.layers().size(); i++) {
      Descriptor blob = image.layers().get(i);
      Optional<Manifests.History> step =
          i < config.history().size() ? Optional.of(config.history().get(i)) : Optional.empty();
      layers.add(
          Optional.of(
              layer(
                  blob,
                  config.diffIds().get(i),
                  step.flatMap(Manifests.History::created).orElse(Instant.EPOCH),
                  step.map(Manifests.History::createdBy).orElse(""))));
    }
    List<Digest> order = image.layers().stream().map(Descriptor::digest).toList();
    table.add(CacheConfig.ofImage(records.binaryValue(), order), layers);
  }
}
