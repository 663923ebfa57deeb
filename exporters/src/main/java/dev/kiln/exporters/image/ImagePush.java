package dev.kiln.exporters.image;

import dev.kiln.exporters.ExportContext;
import dev.kiln.exporters.Parallel;
import dev.kiln.exporters.image.ImageAssembly.Image;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Credentials;
import dev.kiln.registry.Manifests;
import dev.kiln.registry.Push;
import dev.kiln.registry.Registry;
import dev.kiln.store.Layer;
import dev.kiln.store.RefId;
import dev.kiln.store.Store;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/**
 * Brings an assembled image to a registry: blobs at once, then manifests, the index last. A layer
 * that is still lazy is mounted from where it is, and fetched only where that fails. Any thread;
 * blocks. Source of the order and the parts shown: BuildKit v0.22 {@code util/push/push.go}.
 */
final class ImagePush {
  private final Store store;
  private final Registry registry;
  private final Image image;
  private final ExportContext context;

  ImagePush(Store store, Registry registry, Image image, ExportContext context) {
    this.store = store;
    this.registry = registry;
    this.image = image;
    this.context = context;
  }

  /**
   * Pushes under one name.
   *
   * @param byDigest without a tag, which the name must not have then
   */
  void to(String name, boolean byDigest, boolean insecure, Credentials who)
      throws InterruptedException {
    ImageRef named = ImageRef.parse(name);
    if (byDigest && (named.tag().isPresent() || named.digest().isPresent())) {
      throw new BuildException(Kind.UNKNOWN, "can't push tagged ref " + named + " by digest");
    }
    ImageRef target =
        byDigest ? named : ImageRef.parseNormalized(name).withDigest(image.top().digest());
    Push push = registry.push(target, insecure, who);
    Map<Digest, Descriptor> blobs = new LinkedHashMap<>();
    List<Descriptor> manifests = new ArrayList<>();
    collect(blobs, manifests);
    StepProgress progress = context.progress();
    Consumer<String> log = line -> progress.log(2, line.getBytes(StandardCharsets.UTF_8));
    try (var _ = progress.part("pushing layers")) {
      List<Callable<Push.Outcome>> pieces = new ArrayList<>();
      for (Descriptor blob : blobs.values()) {
        pieces.add(() -> push.blob(blob, mountable(blob, target), () -> open(blob), log));
      }
      Parallel.run("push", pieces);
    }
    try (var _ = progress.part("pushing manifest for " + target)) {
      for (Descriptor manifest : manifests.reversed()) {
        boolean top = manifest.digest().equals(image.top().digest());
        Optional<String> tag = top && !byDigest ? target.tag() : Optional.empty();
        push.manifest(manifest, store.content().read(manifest.digest()), tag, log);
      }
    }
  }

  /** Everything below the image's manifest or index; the manifests from the top down. */
  private void collect(Map<Digest, Descriptor> blobs, List<Descriptor> manifests) {
    Deque<Descriptor> open = new ArrayDeque<>(List.of(image.top()));
    while (!open.isEmpty()) {
      Descriptor of = open.pop();
      manifests.add(of);
      byte[] json = store.content().read(of.digest());
      if (MediaTypes.isIndex(of.mediaType())) {
        Manifests.index(json).reversed().forEach(open::push);
      } else {
        blobs(Manifests.manifest(json), blobs);
      }
    }
  }

  private static void blobs(Manifests.Manifest of, Map<Digest, Descriptor> to) {
    to.put(of.config().digest(), of.config());
    for (Descriptor layer : of.layers()) {
      if (!LayerTypes.isForeign(layer.mediaType())) {
        to.put(layer.digest(), layer);
      }
    }
  }

  /** Another repository of the target's registry that is known to have the blob. */
  private Optional<String> mountable(Descriptor blob, ImageRef target) {
    Layer layer = image.layers().get(blob.digest());
    if (layer == null) {
      return Optional.empty();
    }
    String host = target.domain() + "/";
    return layer.sources().stream()
        .filter(s -> s.startsWith(host) && !s.equals(target.repository()))
        .map(s -> s.substring(host.length()))
        .findFirst();
  }

  private java.io.InputStream open(Descriptor blob) throws java.io.IOException {
    if (!store.content().contains(blob.digest())) {
      for (RefId ref : image.refs()) {
        try {
          store.refs().fetchBlobs(ref, context.progress());
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new java.io.InterruptedIOException("fetching a layer to push was interrupted");
        }
      }
    }
    return store.content().stream(blob.digest());
  }
}
