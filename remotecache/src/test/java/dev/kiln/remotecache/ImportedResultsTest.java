package dev.kiln.remotecache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.StepProgress;
import dev.kiln.sources.image.ImageOrigin;
import dev.kiln.store.Layer;
import dev.kiln.store.Lease;
import dev.kiln.store.LocalStore;
import dev.kiln.store.RefId;
import dev.kiln.store.StoreOptions;
import dev.kiln.store.content.ContentStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** V-37, K-12, K-15: an imported result is brought by the client that imports it now. */
class ImportedResultsTest {
  private static final byte[] BYTES = "layer".getBytes(StandardCharsets.UTF_8);
  private static final Digest BLOB = Digest.of(BYTES);
  private static final ImageRef REF = ImageRef.parse("host/cache:1");

  @TempDir Path folder;
  private final Set<String> live = new HashSet<>();
  private final List<List<String>> fetches = new ArrayList<>();

  private final class Origin implements ImageOrigin {
    @Override
    public Descriptor resolve(ImageRef ref, List<String> sessions, StepProgress progress) {
      throw new AssertionError("not needed");
    }

    @Override
    public byte[] small(ImageRef ref, Descriptor blob, List<String> ids, StepProgress progress) {
      throw new AssertionError("not needed");
    }

    @Override
    public void fetch(
        ImageRef ref, Descriptor blob, List<String> ids, ContentStore into, StepProgress progress) {
      fetches.add(ids);
      into.put(blob.mediaType(), BYTES);
    }

    @Override
    public boolean isReachable(List<String> ids) {
      return ids.stream().anyMatch(live::contains);
    }

    @Override
    public Optional<String> repository(ImageRef ref) {
      return Optional.empty();
    }
  }

  private ImportedResults importedBy(LocalStore store, String session) {
    live.add(session);
    return new ImportedResults(
        store,
        new CacheOrigin(new Origin(), REF, List.of(session)),
        _ -> {
          throw new AssertionError("not needed");
        });
  }

  @Test
  void theClientThatImportsNowBringsTheLayers() throws Exception {
    var chain =
        List.of(
            new Layer(
                new Descriptor(MediaTypes.OCI_LAYER, BLOB, BYTES.length),
                BLOB,
                Instant.EPOCH,
                "",
                new TreeSet<>()));
    try (var store = LocalStore.open(StoreOptions.of(folder, "native"));
        Lease lease = store.leases().open("test")) {
      ImportedResults first = importedBy(store, "first");
      first.add(LayerChain.of(chain));
      RefId ref = first.ref(chain, lease);
      assertThat(fetches).as("nothing needs the layer yet").isEmpty();
      live.clear();
      assertThatThrownBy(() -> store.refs().get(lease, ref))
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
      importedBy(store, "second").add(LayerChain.of(chain));
      store.refs().get(lease, ref);
      store.refs().fetchBlobs(ref, StepProgress.NONE);
      assertThat(fetches).containsExactly(List.of("second"));
      live.clear();
      store.refs().get(lease, ref); // its blob is here now
    }
  }
}
