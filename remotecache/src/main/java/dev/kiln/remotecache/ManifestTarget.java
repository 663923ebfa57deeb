package dev.kiln.remotecache;

import dev.kiln.exporters.Attributes;
import dev.kiln.exporters.Parallel;
import dev.kiln.exporters.image.LayerTypes;
import dev.kiln.exporters.image.Manifests;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.StepProgress;
import dev.kiln.remotecache.graph.CacheConfig;
import dev.kiln.remotecache.graph.ChainLayer;
import dev.kiln.remotecache.graph.ConfigWriter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * A cache as blobs below a manifest or an index. Source of the form and the parts shown: BuildKit
 * v0.22.0, {@code cache/remotecache/export.go}.
 */
final class ManifestTarget implements CacheTarget {
  /** Under which the client is told the manifest, for the index of a folder. */
  private static final String RESPONSE = "cache.manifest";

  /** Layers on their way at once: each has its buffers on the way to a client. */
  private static final int AT_ONCE = 4;

  private final Form form;
  private final Place place;

  /** How the manifest looks. */
  record Form(boolean ociTypes, boolean imageManifest) {
    static Form of(Attributes attributes) {
      boolean oci = attributes.strictFlag("oci-mediatypes", true);
      boolean image = attributes.strictFlag("image-manifest", oci);
      if (image && !oci) {
        throw new BuildException(
            Kind.INVALID,
            "invalid configuration for remote cache, OCI mediatypes are required for image-manifest"
                + " cache format");
      }
      return new Form(oci, image);
    }

    String mediaType() {
      if (imageManifest) {
        return MediaTypes.OCI_MANIFEST;
      }
      return ociTypes ? MediaTypes.OCI_INDEX : MediaTypes.DOCKER_INDEX;
    }
  }

  /** Where the blobs go. Any thread; blocks. */
  interface Place {
    /** Makes what the writes of one export have in common. */
    Writing open(StepProgress progress) throws InterruptedException;
  }

  /** The blobs of one export on their way. */
  interface Writing {
    void layer(Descriptor blob, ChainLayer layer) throws IOException, InterruptedException;

    void blob(Descriptor blob, byte[] bytes) throws IOException, InterruptedException;

    void manifest(Descriptor manifest, byte[] bytes) throws IOException, InterruptedException;
  }

  ManifestTarget(Form form, Place place) {
    this.form = form;
    this.place = place;
  }

  @Override
  public Map<String, String> write(ConfigWriter.Written cache, StepProgress progress)
      throws IOException, InterruptedException {
    if (cache.layers().isEmpty()) {
      progress.part("skipping cache export for empty result").close();
      return Map.of();
    }
    Writing writing = place.open(progress);
    var layers = new LinkedHashMap<Digest, ChainLayer>();
    cache.layers().forEach(layer -> layers.put(layer.layer().blob().digest(), layer));
    var pieces =
        layers.values().stream()
            .<Callable<Boolean>>map(layer ->
                () -> {
                  Descriptor blob = descriptor(layer);
                  try (var _ = progress.part("writing layer " + blob.digest())) {
                    writing.layer(blob, layer);
                  } catch (BuildException e) {
                    throw e.wrap("error writing layer blob");
                  }
                  return true;
                })
            .toList();
    Parallel.run("export-cache", AT_ONCE, pieces);
    byte[] config = cache.config().toJson();
    var configBlob = new Descriptor(CacheConfig.MEDIA_TYPE, Digest.of(config), config.length);
    try (var _ = progress.part("writing config " + configBlob.digest())) {
      writing.blob(configBlob, config);
    } catch (BuildException e) {
      throw e.wrap("error writing config blob");
    }
    byte[] json = manifest(configBlob, layers.values().stream().map(this::descriptor).toList());
    var manifest = new Descriptor(form.mediaType(), Digest.of(json), json.length);
    String part =
        form.imageManifest() ? "writing cache image manifest " : "writing cache manifest ";
    try (var _ = progress.part(part + manifest.digest())) {
      writing.manifest(manifest, json);
    } catch (BuildException e) {
      throw e.wrap("error writing manifest blob");
    }
    return Map.of(RESPONSE, Manifests.descriptor(manifest).toString());
  }

  private byte[] manifest(Descriptor config, List<Descriptor> layers) {
    if (form.imageManifest()) {
      return Manifests.manifest(form.mediaType(), config, layers, Map.of());
    }
    var all = new java.util.ArrayList<>(layers);
    all.add(config);
    return Manifests.index(form.mediaType(), all, Map.of());
  }

  private Descriptor descriptor(ChainLayer layer) {
    Descriptor blob = layer.layer().blob();
    return new Descriptor(
            LayerTypes.convert(blob.mediaType(), form.ociTypes(), false),
            blob.digest(),
            blob.sizeBytes())
        .withAnnotation("containerd.io/uncompressed", layer.layer().diffId().value())
        .withAnnotation("buildkit/createdat", layer.layer().createdAt().toString());
  }

  static void log(StepProgress progress, String line) {
    progress.log(2, line.getBytes(StandardCharsets.UTF_8));
  }

  static InputStream stream(byte[] bytes) {
    return new ByteArrayInputStream(bytes);
  }
}
