package dev.kiln.remotecache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.actors.CacheTable;
import dev.kiln.exporters.image.Manifests;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.StepProgress;
import dev.kiln.remotecache.graph.CacheConfig;
import dev.kiln.sources.image.ImageOrigin;
import dev.kiln.store.Lease;
import dev.kiln.store.LocalStore;
import dev.kiln.store.Store;
import dev.kiln.store.StoreOptions;
import dev.kiln.store.content.ContentStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheReaderTest {
  private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
  private static final Digest ROOT = Digest.of("root");
  private static final Digest STEP = Digest.of("step");

  @TempDir Path folder;
  private Store store;
  private final Blobs blobs = new Blobs();

  @BeforeEach
  void open() throws Exception {
    store = LocalStore.open(StoreOptions.of(folder, "native"));
  }

  @AfterEach
  void close() {
    store.close();
  }

  /** A place with blobs, all of them small. */
  private static final class Blobs implements ImageOrigin {
    final Map<Digest, byte[]> all = new HashMap<>();
    final List<Digest> asked = new ArrayList<>();
    Optional<Descriptor> top = Optional.empty();

    Descriptor add(String mediaType, byte[] bytes) {
      all.put(Digest.of(bytes), bytes);
      return new Descriptor(mediaType, Digest.of(bytes), bytes.length);
    }

    void top(String mediaType, byte[] bytes) {
      top = Optional.of(add(mediaType, bytes));
    }

    private byte[] read(Digest digest) {
      asked.add(digest);
      byte[] bytes = all.get(digest);
      if (bytes == null) {
        throw new BuildException(Kind.NOT_FOUND, "no blob " + digest);
      }
      return bytes;
    }

    @Override
    public Descriptor resolve(ImageRef ref, List<String> sessions, StepProgress progress) {
      return top.orElseThrow();
    }

    @Override
    public byte[] small(
        ImageRef ref, Descriptor blob, List<String> sessions, StepProgress progress) {
      return read(blob.digest());
    }

    @Override
    public void fetch(
        ImageRef ref,
        Descriptor blob,
        List<String> sessions,
        ContentStore into,
        StepProgress progress) {
      into.put(blob.mediaType(), read(blob.digest()));
    }

    @Override
    public boolean isReachable(List<String> sessions) {
      return true;
    }

    @Override
    public Optional<String> repository(ImageRef ref) {
      return Optional.of(ref.repository());
    }
  }

  private CacheTable read() throws Exception {
    var origin = new CacheOrigin(blobs, ImageRef.parseNormalized("example.com/cache"), List.of());
    var results =
        new ImportedResults(
            store,
            origin,
            of -> {
              throw new UnsupportedOperationException();
            });
    try (Lease lease = store.leases().open("test")) {
      return new CacheReader(
              store, origin, lease, StepProgress.NONE, new ImportedTable("test", results))
          .read();
    }
  }

  private static Descriptor layer(String name) {
    return new Descriptor(MediaTypes.OCI_LAYER_GZIP, Digest.of("blob " + name), 10)
        .withAnnotation("containerd.io/uncompressed", Digest.of("diff " + name).value())
        .withAnnotation("buildkit/createdat", TIME.toString());
  }

  private static CacheConfig.Record root() {
    return new CacheConfig.Record(ROOT, List.of(), List.of());
  }

  private static CacheConfig.Record step(CacheConfig.Result result) {
    return new CacheConfig.Record(
        STEP, List.of(result), List.of(List.of(new CacheConfig.Input(Optional.empty(), 0))));
  }

  private static CacheConfig config() {
    return new CacheConfig(
        List.of(
            new CacheConfig.Layer(Digest.of("blob 1"), -1, Optional.empty()),
            new CacheConfig.Layer(Digest.of("blob 2"), 0, Optional.empty())),
        List.of(root(), step(new CacheConfig.Top(1, TIME))));
  }

  private static void holdsTheStep(CacheTable table) {
    assertThat(table.exists(ROOT.value())).isTrue();
    assertThat(table.exists("0:1")).isTrue();
    assertThat(table.backlinks("0:1"))
        .singleElement()
        .satisfies(back -> {
          assertThat(back.from()).isEqualTo(ROOT.value());
          assertThat(back.link().outsideDigest().value()).isEqualTo(STEP.value());
        });
    var record = table.records("0:1").getFirst();
    assertThat(record.createdAt()).isEqualTo(TIME);
    assertThat(((ImportedResults) table.loader()).layers(record))
        .extracting(l -> l.blob().digest())
        .containsExactly(Digest.of("blob 1"), Digest.of("blob 2"));
  }

  @Test
  void aManifestWithACacheConfig() throws Exception {
    Descriptor config = blobs.add(CacheConfig.MEDIA_TYPE, config().toJson());
    blobs.top(
        MediaTypes.OCI_MANIFEST,
        Manifests.manifest(
            MediaTypes.OCI_MANIFEST, config, List.of(layer("1"), layer("2")), Map.of()));
    holdsTheStep(read());
    assertThat(blobs.asked).as("no layer is pulled").hasSize(2);
  }

  @Test
  void aBlobOfTwoStepsHasTheTimeOfEach() throws Exception {
    Digest blob = Digest.of("blob 1");
    Instant later = TIME.plusSeconds(3);
    var about = new CacheConfig.About(MediaTypes.OCI_LAYER_GZIP, Digest.of("diff 1"), 10, later);
    var twice =
        new CacheConfig(
            List.of(
                new CacheConfig.Layer(blob, -1, Optional.empty()),
                new CacheConfig.Layer(blob, -1, Optional.of(about))),
            List.of(
                root(),
                step(new CacheConfig.Top(0, TIME)),
                new CacheConfig.Record(
                    Digest.of("other"),
                    List.of(new CacheConfig.Top(1, TIME)),
                    List.of(List.of(new CacheConfig.Input(Optional.empty(), 0))))));
    Descriptor config = blobs.add(CacheConfig.MEDIA_TYPE, twice.toJson());
    blobs.top(
        MediaTypes.OCI_MANIFEST,
        Manifests.manifest(MediaTypes.OCI_MANIFEST, config, List.of(layer("1")), Map.of()));
    CacheTable table = read();
    assertThat(List.of(time(table, "0:1"), time(table, "0:2"))).containsExactly(TIME, later);
  }

  private static Instant time(CacheTable table, String key) {
    return ((ImportedResults) table.loader())
        .layers(table.records(key).getFirst())
        .getFirst()
        .createdAt();
  }

  @Test
  void anIndexOfBlobs() throws Exception {
    Descriptor config = blobs.add(CacheConfig.MEDIA_TYPE, config().toJson());
    for (String type : List.of(MediaTypes.OCI_INDEX, MediaTypes.DOCKER_INDEX)) {
      blobs.top(type, Manifests.index(type, List.of(layer("1"), layer("2"), config), Map.of()));
      holdsTheStep(read());
    }
  }

  @Test
  void imagesThatCarryTheirCache() throws Exception {
    var carried =
        new CacheConfig(
            List.of(), List.of(root(), step(new CacheConfig.Pieces(List.of(0, 1), TIME))));
    String json =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\""
            + Digest.of("diff 1")
            + "\",\""
            + Digest.of("diff 2")
            + "\"]},\"history\":[{\"created\":\"2026-01-02T03:04:05Z\",\"created_by\":\"one\"},"
            + "{\"created_by\":\"none\",\"empty_layer\":true},{\"created_by\":\"two\"}],"
            + "\"moby.buildkit.cache.v0\":\""
            + Base64.getEncoder().encodeToString(carried.recordsJson())
            + "\"}";
    Descriptor config = blobs.add(MediaTypes.OCI_CONFIG, json.getBytes(StandardCharsets.UTF_8));
    byte[] image =
        Manifests.manifest(
            MediaTypes.OCI_MANIFEST, config, List.of(layer("1"), layer("2")), Map.of());
    Descriptor manifest = blobs.add(MediaTypes.OCI_MANIFEST, image);
    blobs.top(
        MediaTypes.OCI_INDEX,
        Manifests.index(MediaTypes.OCI_INDEX, List.of(manifest, manifest), Map.of()));
    CacheTable table = read();
    holdsTheStep(table);
    assertThat(((ImportedResults) table.loader()).layers(table.records("0:1").getFirst()))
        .extracting(dev.kiln.store.Layer::description)
        .containsExactly("one", "two");
  }

  @Test
  void aResultWhoseLayerIsMissingIsLeftOut() throws Exception {
    Descriptor config = blobs.add(CacheConfig.MEDIA_TYPE, config().toJson());
    blobs.top(
        MediaTypes.OCI_MANIFEST,
        Manifests.manifest(MediaTypes.OCI_MANIFEST, config, List.of(layer("1")), Map.of()));
    assertThat(read().records("0:1")).isEmpty();
  }

  @Test
  void aConfigOfSeveralMebibytesIsRead() throws Exception {
    var records = new ArrayList<CacheConfig.Record>();
    records.add(root());
    for (int i = 0; i < 20_000; i++) {
      records.add(
          new CacheConfig.Record(
              Digest.of("step " + i),
              List.of(new CacheConfig.Top(0, TIME)),
              List.of(List.of(new CacheConfig.Input(Optional.empty(), i)))));
    }
    byte[] json = new CacheConfig(config().layers(), records).toJson();
    assertThat(json.length).isGreaterThan(3 << 20);
    Descriptor config = blobs.add(CacheConfig.MEDIA_TYPE, json);
    blobs.top(
        MediaTypes.OCI_MANIFEST,
        Manifests.manifest(MediaTypes.OCI_MANIFEST, config, List.of(layer("1")), Map.of()));
    assertThat(read().records("0:20000")).hasSize(1);
  }

  @Test
  void indexesThatNameEachOtherOverAndOverAreReadOnce() throws Exception {
    Descriptor config = blobs.add(MediaTypes.OCI_CONFIG, "{}".getBytes(StandardCharsets.UTF_8));
    byte[] bytes = Manifests.manifest(MediaTypes.OCI_MANIFEST, config, List.of(), Map.of());
    Descriptor below = blobs.add(MediaTypes.OCI_MANIFEST, bytes);
    for (int level = 0; level < 6; level++) {
      bytes = Manifests.index(MediaTypes.OCI_INDEX, Collections.nCopies(20, below), Map.of());
      below = blobs.add(MediaTypes.OCI_INDEX, bytes);
    }
    blobs.top(MediaTypes.OCI_INDEX, bytes);
    read();
    assertThat(blobs.asked).hasSizeLessThan(10);
  }

  @Test
  void whatIsNoCacheIsRefused() {
    blobs.top(MediaTypes.OCI_MANIFEST, "{}".getBytes(StandardCharsets.UTF_8));
    blobs.all.clear();
    assertThatThrownBy(this::read).hasMessageContaining("no blob");
  }
}
