package dev.kiln.sources.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.Platform;
import dev.kiln.model.StepProgress;
import dev.kiln.sources.SourceContext;
import dev.kiln.sources.SourceKey;
import dev.kiln.store.Lease;
import dev.kiln.store.LocalStore;
import dev.kiln.store.RefId;
import dev.kiln.store.StoreOptions;
import dev.kiln.store.content.ContentStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** V-12, V-37: lazy layers are brought by the clients of the builds that need them. */
class LazyLayersTest {
  @TempDir Path folder;
  private LocalStore store;
  private Lease lease;
  private final Origin origin = new Origin();

  @BeforeEach
  void open() {
    store = LocalStore.open(StoreOptions.of(folder, "native"));
    lease = store.leases().open("test");
  }

  @AfterEach
  void close() {
    lease.close();
    store.close();
  }

  /** One image with one layer, for those who have a live session. */
  private static final class Origin implements ImageOrigin {
    final Map<Digest, byte[]> blobs = new HashMap<>();
    final Set<String> live = new HashSet<>();
    final List<List<String>> fetches = new ArrayList<>();
    final Descriptor layer;
    final Descriptor manifest;

    Origin() {
      layer = add(MediaTypes.OCI_LAYER, "layer");
      Descriptor config =
          add(
              MediaTypes.OCI_CONFIG,
              "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
                  + "\"diff_ids\":[\""
                  + layer.digest()
                  + "\"]}}");
      manifest =
          add(
              MediaTypes.OCI_MANIFEST,
              "{\"schemaVersion\":2,\"mediaType\":\""
                  + MediaTypes.OCI_MANIFEST
                  + "\",\"config\":"
                  + json(config)
                  + ",\"layers\":["
                  + json(layer)
                  + "]}");
    }

    private Descriptor add(String type, String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      blobs.put(Digest.of(bytes), bytes);
      return new Descriptor(type, Digest.of(bytes), bytes.length);
    }

    private static String json(Descriptor d) {
      return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d}"
          .formatted(d.mediaType(), d.digest(), d.sizeBytes());
    }

    private byte[] bytes(Descriptor blob) {
      return Objects.requireNonNull(blobs.get(blob.digest()));
    }

    @Override
    public Descriptor resolve(ImageRef ref, List<String> sessions, StepProgress progress) {
      return manifest;
    }

    @Override
    public byte[] small(ImageRef ref, Descriptor blob, List<String> ids, StepProgress progress) {
      return bytes(blob);
    }

    @Override
    public void fetch(
        ImageRef ref, Descriptor blob, List<String> ids, ContentStore into, StepProgress progress) {
      fetches.add(ids);
      if (!isReachable(ids)) {
        throw new BuildException(Kind.DEADLINE, "no active session for " + ids);
      }
      into.put(blob.mediaType(), bytes(blob));
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

  /** A vertex that builds join and leave. */
  private final class Context implements SourceContext {
    private List<String> ids;

    Context(String... ids) {
      this.ids = List.of(ids);
      origin.live.addAll(this.ids);
    }

    @Override
    public List<String> sessionIds() {
      return ids;
    }

    @Override
    public StepProgress progress() {
      return StepProgress.NONE;
    }

    @Override
    public Lease lease() {
      return lease;
    }
  }

  private ImageSource source() {
    return new ImageSource(
        ImageId.ofImage(new SourceOp("docker-image://host/x:1", Map.of())),
        Platform.parse("linux/amd64"),
        false,
        new ImageLoader(origin, store.content()),
        store.refs());
  }

  private RefId built(Context context) throws Exception {
    ImageSource source = source();
    source.key(0, context);
    return source.snapshot(context).orElseThrow();
  }

  @Test
  void whatTheConfigurationClaimsIsNoKey() throws Exception {
    SourceKey key = source().key(0, new Context("first"));
    assertThat(key.complete()).isTrue();
    assertThat(key.pin()).isEqualTo(origin.manifest.digest().value());
  }

  @Test
  void aLaterBuildOfACachedImageBringsItsLayers() throws Exception {
    RefId ref = built(new Context("first"));
    origin.live.clear();
    source().key(0, new Context("second")); // and a cache hit: no snapshot
    store.refs().get(lease, ref);
    store.refs().fetchBlobs(ref, StepProgress.NONE);
    assertThat(origin.fetches).containsExactly(List.of("second"));
  }

  @Test
  void aBuildThatJoinedBringsThemWhenTheFirstLeft() throws Exception {
    var context = new Context("first");
    RefId ref = built(context);
    origin.live.clear();
    origin.live.add("second");
    context.ids = List.of("second");
    store.refs().fetchBlobs(ref, StepProgress.NONE);
    assertThat(origin.fetches).containsExactly(List.of("second"));
  }

  @Test
  void aBuildThatGoesOnBringsThemWhenALaterOneIsOver() throws Exception {
    RefId ref = built(new Context("first"));
    var later = new Context("later");
    source().key(0, later);
    later.ids = List.of();
    origin.live.remove("later");
    store.refs().fetchBlobs(ref, StepProgress.NONE);
    assertThat(origin.fetches).containsExactly(List.of("first"));
  }

  @Test
  void aLazyStateThatNobodyCanBringIsGone() throws Exception {
    RefId ref = built(new Context("first"));
    origin.live.clear();
    assertThatThrownBy(() -> store.refs().get(lease, ref))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
  }
}
