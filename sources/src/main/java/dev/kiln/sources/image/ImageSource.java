package dev.kiln.sources.image;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.GoJson;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Manifests;
import dev.kiln.sources.Material;
import dev.kiln.sources.Source;
import dev.kiln.sources.SourceContext;
import dev.kiln.sources.SourceKey;
import dev.kiln.store.BlobSource;
import dev.kiln.store.Layer;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.Refs;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * An image as a source: its key, and its layers, lazily. What the configuration says of the layers
 * is no key: it is verified only when they are unpacked, so an image that lies would be taken for
 * another. (BuildKit v0.34.0 {@code source/containerimage/pull.go}.)
 */
public final class ImageSource implements Source {
  private final ImageId id;
  private final Platform platform;
  private final boolean local;
  private final ImageLoader loader;
  private final Refs refs;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile Optional<ImageLoader.Image> image = Optional.empty();

  /**
   * @param local whether the image comes from a client
   */
  public ImageSource(ImageId id, Platform platform, boolean local, ImageLoader loader, Refs refs) {
    this.id = id;
    this.platform = platform;
    this.local = local;
    this.loader = loader;
    this.refs = refs;
  }

  @Override
  public SourceKey key(int index, SourceContext context) throws IOException, InterruptedException {
    ImageLoader.Image loaded = load(context);
    // A cached state of this image may have been brought by a client that is gone.
    offerLayers(loaded, context);
    Digest pin = loaded.top().digest();
    return new SourceKey(manifestKey(pin, platform, id.layerLimit()).value(), pin.value(), true);
  }

  private void offerLayers(ImageLoader.Image loaded, SourceContext context) {
    List<Layer> layers;
    try {
      layers = layers(loaded);
    } catch (BuildException e) {
      return; // it has a key all the same, and fails where its layers are needed
    }
    refs.offer(layers, new LayerSource(loader.origin(), id.ref(), context));
  }

  private ImageLoader.Image load(SourceContext context) throws IOException, InterruptedException {
    lock.lockInterruptibly();
    try {
      if (image.isPresent()) {
        image.get().blobs().forEach(context.lease()::hold);
        return image.get();
      }
      try (StepProgress.Part _ = context.progress().part("resolve " + id.text())) {
        ImageLoader.Image loaded =
            loader.load(
                id.ref(), platform, context.sessionIds(), context.lease(), context.progress());
        checkLimit(loaded);
        image = Optional.of(loaded);
        return loaded;
      }
    } finally {
      lock.unlock();
    }
  }

  private void checkLimit(ImageLoader.Image loaded) {
    int layers = loaded.manifest().layers().size();
    if (id.layerLimit().isPresent() && id.layerLimit().getAsInt() > layers) {
      throw new BuildException(
          Kind.INVALID,
          "layer limit "
              + id.layerLimit().getAsInt()
              + " is greater than the number of layers in the image "
              + layers);
    }
  }

  static Digest manifestKey(Digest digest, Platform platform, OptionalInt limit) {
    GoJson json =
        GoJson.object()
            .text("Digest", digest.value())
            .text("OS", platform.os())
            .text("Arch", platform.architecture())
            .textIfSet("Variant", platform.variant())
            .textIfSet("OSVersion", platform.osVersion())
            .textsIfSet("OSFeatures", platform.osFeatures());
    limit.ifPresent(n -> json.number("Limit", n));
    return Digest.of(json.toBytes());
  }

  @Override
  public Optional<RefId> snapshot(SourceContext context) throws IOException, InterruptedException {
    ImageLoader.Image loaded = load(context);
    List<Layer> layers = layers(loaded);
    BlobSource from = new LayerSource(loader.origin(), id.ref(), context);
    Optional<RefId> top = Optional.empty();
    for (Layer layer : layers) {
      RefOptions options =
          RefOptions.of("pulled from " + id.text())
              .withType(id.recordType())
              .withCreatedAt(layer.createdAt());
      top = Optional.of(refs.layer(context.lease(), top, layer, from, options).id());
    }
    return top;
  }

  private List<Layer> layers(ImageLoader.Image loaded) {
    List<Descriptor> blobs = loaded.manifest().layers();
    Manifests.Config config = Manifests.config(loaded.config());
    if (config.diffIds().size() != blobs.size()) {
      throw new BuildException(
          Kind.INVALID,
          "mismatched image rootfs and manifest layers "
              + config.diffIds()
              + " "
              + blobs.stream().map(Descriptor::digest).toList());
    }
    var sources = new TreeSet<String>();
    loader.origin().repository(id.ref()).ifPresent(sources::add);
    int count = id.layerLimit().orElse(blobs.size());
    var all = new ArrayList<Layer>();
    for (int i = 0; i < count; i++) {
      Optional<Manifests.History> step =
          i < config.history().size() ? Optional.of(config.history().get(i)) : Optional.empty();
      all.add(
          new Layer(
              blobs.get(i),
              config.diffIds().get(i),
              step.flatMap(Manifests.History::created).orElse(Instant.EPOCH),
              step.map(Manifests.History::createdBy).orElse(""),
              sources));
    }
    return all;
  }

  @Override
  public Material material() {
    return new Material.Image(
        id.text(), Optional.of(platform), image.map(i -> i.top().digest()), local);
  }
}
