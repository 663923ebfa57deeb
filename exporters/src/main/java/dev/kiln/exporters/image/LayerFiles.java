package dev.kiln.exporters.image;

import dev.kiln.model.Digest;
import dev.kiln.model.StepProgress;
import dev.kiln.store.Layer;
import dev.kiln.store.RefId;
import dev.kiln.store.Store;
import dev.kiln.store.layer.Decompression;
import dev.kiln.store.layer.TarEntry;
import dev.kiln.store.layer.TarReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which layer of an image a file comes from: the uppermost that writes it. Layers are read from the
 * top, and only as far down as needed. One thread.
 */
final class LayerFiles {
  private static final String WHITEOUT = ".wh.";

  private final Store store;
  private final Optional<RefId> ref;
  private final List<Layer> layers;
  private final StepProgress progress;
  private final Map<String, Digest> known = new HashMap<>();
  private int unread;

  /**
   * @param ref the state that the layers are of
   * @param layers bottom first
   */
  LayerFiles(Store store, Optional<RefId> ref, List<Layer> layers, StepProgress progress) {
    this.store = store;
    this.ref = ref;
    this.layers = List.copyOf(layers);
    this.progress = progress;
    this.unread = layers.size();
  }

  /**
   * The blob of the layer with the file.
   *
   * @param path absolute and clean
   */
  Optional<Digest> find(String path) throws IOException, InterruptedException {
    while (!known.containsKey(path) && unread > 0) {
      read(layers.get(--unread).blob().digest());
    }
    return Optional.ofNullable(known.get(path));
  }

  private void read(Digest layer) throws IOException, InterruptedException {
    if (!store.content().contains(layer) && ref.isPresent()) {
      store.refs().fetchBlobs(ref.get(), progress);
    }
    try (InputStream in = Decompression.of(store.content().stream(layer))) {
      var tar = new TarReader(in);
      for (var next = tar.next(); next.isPresent(); next = tar.next()) {
        TarEntry entry = next.get();
        String name = entry.name().toString();
        String path = "/" + (name.endsWith("/") ? name.substring(0, name.length() - 1) : name);
        if (!path.startsWith(WHITEOUT, path.lastIndexOf('/') + 1)) {
          known.putIfAbsent(path, layer);
        }
      }
    }
  }
}
