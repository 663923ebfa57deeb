package dev.kiln.remotecache;

import dev.kiln.model.Descriptor;
import dev.kiln.model.ImageRef;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Credentials;
import dev.kiln.registry.Push;
import dev.kiln.registry.Registry;
import dev.kiln.remotecache.graph.ChainLayer;
import dev.kiln.store.Store;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.Optional;

/**
 * A repository that a cache is written to. A layer that lies in another repository of the same
 * registry is mounted from there, without passing through the daemon. Immutable, any thread.
 */
record RegistryPlace(
    Registry registry, Store store, ImageRef ref, boolean insecure, Credentials who)
    implements ManifestTarget.Place {
  @Override
  public ManifestTarget.Writing open(StepProgress progress) {
    Push push = registry.push(ref, insecure, who);
    return new ManifestTarget.Writing() {
      @Override
      public void layer(Descriptor blob, ChainLayer layer) {
        push.blob(blob, mountable(layer), () -> opened(blob, layer, progress), this::log);
      }

      @Override
      public void blob(Descriptor blob, byte[] bytes) {
        push.blob(blob, Optional.empty(), () -> ManifestTarget.stream(bytes), this::log);
      }

      @Override
      public void manifest(Descriptor manifest, byte[] bytes) {
        push.manifest(manifest, bytes, ref.tag(), this::log);
      }

      private void log(String line) {
        ManifestTarget.log(progress, line);
      }
    };
  }

  private Optional<String> mountable(ChainLayer layer) {
    String host = ref.domain() + "/";
    return layer.layer().sources().stream()
        .filter(s -> s.startsWith(host) && !s.equals(ref.repository()))
        .map(s -> s.substring(host.length()))
        .findFirst();
  }

  private InputStream opened(Descriptor blob, ChainLayer layer, StepProgress progress)
      throws IOException {
    if (!store.content().contains(blob.digest())) {
      try {
        layer.bring().bring(progress);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("fetching a layer to export was interrupted");
      }
    }
    return store.content().stream(blob.digest());
  }
}
