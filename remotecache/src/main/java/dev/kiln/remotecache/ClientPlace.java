package dev.kiln.remotecache;

import dev.kiln.model.Descriptor;
import dev.kiln.model.StepProgress;
import dev.kiln.remotecache.graph.ChainLayer;
import dev.kiln.session.SessionContent;
import dev.kiln.session.Sessions;
import dev.kiln.store.Store;
import java.io.IOException;
import java.time.Duration;

/** A client's folder that a cache is written to. Immutable, any thread. */
record ClientPlace(Sessions sessions, Store store, String sessionId, String storeId)
    implements ManifestTarget.Place {
  private static final Duration WAIT = Duration.ofSeconds(5);

  @Override
  public ManifestTarget.Writing open(StepProgress progress) throws InterruptedException {
    var folder = new SessionContent(sessions.get(sessionId, WAIT), storeId);
    return new ManifestTarget.Writing() {
      @Override
      public void layer(Descriptor blob, ChainLayer layer)
          throws IOException, InterruptedException {
        folder.put(
            blob.digest(),
            blob.sizeBytes(),
            () -> {
              if (!store.content().contains(blob.digest())) {
                layer.bring().bring(progress);
              }
              return store.content().stream(blob.digest());
            });
      }

      @Override
      public void blob(Descriptor blob, byte[] bytes) throws IOException, InterruptedException {
        folder.put(blob.digest(), blob.sizeBytes(), () -> ManifestTarget.stream(bytes));
      }

      @Override
      public void manifest(Descriptor manifest, byte[] bytes)
          throws IOException, InterruptedException {
        blob(manifest, bytes);
      }
    };
  }
}
