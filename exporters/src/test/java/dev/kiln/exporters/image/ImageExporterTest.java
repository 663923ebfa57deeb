package dev.kiln.exporters.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import dev.kiln.exporters.ExportContext;
import dev.kiln.exporters.ExportContext.InlineCache;
import dev.kiln.exporters.ExportResult;
import dev.kiln.exporters.ExportSource;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Credentials;
import dev.kiln.registry.Registry;
import dev.kiln.registry.RegistryHosts;
import dev.kiln.store.ActiveRef;
import dev.kiln.store.Layer;
import dev.kiln.store.Lease;
import dev.kiln.store.LocalStore;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.StoreOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** X-22 to X-28, X-68: what an image export keeps and fetches. */
class ImageExporterTest {
  @TempDir Path folder;
  private LocalStore store;
  private Registry registry;

  @BeforeEach
  void open() {
    store = LocalStore.open(StoreOptions.of(folder, "native"));
    registry = new Registry(new RegistryHosts(Map.of()), "test");
  }

  @AfterEach
  void close() {
    assertThat(store.leases().openNames()).isEmpty();
    registry.close();
    store.close();
  }

  private ExportResult export(Optional<RefId> ref, Lease lease, String... attributes)
      throws Exception {
    var all = new TreeMap<String, String>();
    for (int i = 0; i < attributes.length; i += 2) {
      all.put(attributes[i], attributes[i + 1]);
    }
    return new ImageExporter(store, registry, _ -> Credentials.ANONYMOUS, 0, all)
        .export(
            new ExportSource(ref, new TreeMap<>(), Map.of(), Map.of()),
            new ExportContext("", lease, StepProgress.NONE, InlineCache.NONE));
  }

  private Set<Digest> blobs() {
    var all = new HashSet<Digest>();
    store.content().walk(blob -> all.add(blob.digest()));
    return all;
  }

  @Test
  void namedImagesGoOnceNobodyHoldsThem() throws Exception {
    try (Lease lease = store.leases().open("build")) {
      for (int build = 0; build < 3; build++) {
        export(
            Optional.empty(),
            lease,
            "name",
            "docker.io/library/app:" + build,
            "annotation.build",
            "" + build);
      }
      store.refs().sweepBlobs(Duration.ZERO);
      assertThat(blobs()).hasSize(4); // three manifests of one configuration
    }
    store.refs().sweepBlobs(Duration.ZERO);
    assertThat(blobs()).isEmpty();
  }

  @Test
  void layersThatAreNotHereAreNotFetchedForAName() throws Exception {
    Digest blob = Digest.of("a layer");
    try (Lease lease = store.leases().open("build")) {
      RefId ref =
          store
              .refs()
              .layer(
                  lease,
                  Optional.empty(),
                  new Layer(
                      new Descriptor(MediaTypes.OCI_LAYER_GZIP, blob, 7),
                      Digest.of("its tar"),
                      Instant.EPOCH,
                      "",
                      new TreeSet<>()),
                  (_, _, _) -> {
                    throw new AssertionError("fetched");
                  },
                  RefOptions.of("base"))
              .id();
      ExportResult result =
          export(Optional.of(ref), lease, "name", "docker.io/library/app:1", "unpack", "true");
      assertThat(result.response()).containsEntry("image.name", "docker.io/library/app:1");
      assertThat(store.refs().isLazy(ref)).isTrue();
      assertThat(blobs()).doesNotContain(blob);
    }
  }

  @Test
  void danglingNamesHaveTheDigest() throws Exception {
    try (Lease lease = store.leases().open("build")) {
      ExportResult unnamed =
          export(Optional.empty(), lease, "dangling-name-prefix", "docker.io/library/x");
      String digest = unnamed.response().get("containerimage.digest");
      assertThat(unnamed.response()).containsEntry("image.name", "docker.io/library/x@" + digest);
      assertThat(
              export(
                      Optional.empty(),
                      lease,
                      "dangling-name-prefix",
                      "docker.io/library/x",
                      "name",
                      "docker.io/library/a:1",
                      "name-canonical",
                      "")
                  .response())
          .containsEntry("image.name", "docker.io/library/a:1,docker.io/library/x@" + digest);
      assertThat(
              export(
                      Optional.empty(),
                      lease,
                      "dangling-name-prefix",
                      "docker.io/library/x",
                      "danging-name-empty-only",
                      "",
                      "name",
                      "docker.io/library/a:1")
                  .response())
          .containsEntry("image.name", "docker.io/library/a:1");
    }
  }

  @Test
  void optionsOfImageStoresAreChecked() {
    assertThatThrownBy(() ->
            new ImageExporter(
                store, registry, _ -> Credentials.ANONYMOUS, 0, Map.of("store", "maybe")))
        .hasMessageContaining("non-bool value specified for store");
  }

  @Test
  void forcedCompressionRepacksLayersThatArePackedOtherwise() throws Exception {
    try (Lease lease = store.leases().open("build")) {
      RefId ref;
      try (ActiveRef active =
          store.refs().create(lease, Optional.empty(), RefOptions.of("made"), StepProgress.NONE)) {
        Files.writeString(active.mount().resolve("file"), "content");
        ref = active.commit().id();
      }
      export(Optional.of(ref), lease);
      assertThat(layerTypes(export(Optional.of(ref), lease, "compression", "zstd")))
          .containsExactly(MediaTypes.DOCKER_LAYER_GZIP);
      assertThat(
              layerTypes(
                  export(
                      Optional.of(ref), lease, "compression", "zstd", "force-compression", "true")))
          .containsExactly(MediaTypes.DOCKER_LAYER_ZSTD);
    }
  }

  private List<String> layerTypes(ExportResult result) {
    return layers(result).stream().map(Descriptor::mediaType).toList();
  }

  private List<Descriptor> layers(ExportResult result) {
    byte[] manifest = store.content().read(result.image().orElseThrow().digest());
    return dev.kiln.registry.Manifests.manifest(manifest).layers();
  }

  @Test
  void rewrittenLayersSayToWhichTime() throws Exception {
    try (Lease lease = store.leases().open("build")) {
      RefId ref = made(lease);
      String[] asked = {"rewrite-timestamp", "true", "source-date-epoch", "1600000000"};
      assertThat(layers(export(Optional.of(ref), lease)).getFirst().annotations()).isEmpty();
      assertThat(layers(export(Optional.of(ref), lease, asked)).getFirst().annotations())
          .as("of Docker's types, which have none")
          .isEmpty();
      assertThat(layers(export(Optional.of(ref), lease, with(asked))).getFirst().annotations())
          .containsExactly(entry("buildkit/rewritten-timestamp", "1600000000"));
    }
  }

  private static String[] with(String... attributes) {
    return Stream.concat(Stream.of(attributes), Stream.of("oci-mediatypes", "true"))
        .toArray(String[]::new);
  }

  private RefId made(Lease lease) throws Exception {
    try (ActiveRef active =
        store.refs().create(lease, Optional.empty(), RefOptions.of("made"), StepProgress.NONE)) {
      Files.writeString(active.mount().resolve("file"), "content");
      return active.commit().id();
    }
  }

  @Test
  void aLayerThatWasRewrittenElsewhereStaysAsItIs() throws Exception {
    try (Lease lease = store.leases().open("build")) {
      String[] asked =
          with("rewrite-timestamp", "true", "source-date-epoch", "7", "compression", "gzip");
      Descriptor first = layers(export(Optional.of(made(lease)), lease, asked)).getFirst();
      Digest tar;
      try (var in = new GZIPInputStream(store.content().stream(first.digest()))) {
        tar = Digest.of(in.readAllBytes());
      }
      var pulled = new Layer(first, tar, Instant.EPOCH, "", new TreeSet<>());
      RefId ref =
          store
              .refs()
              .layer(lease, Optional.empty(), pulled, (_, _, _) -> {}, RefOptions.of("base"))
              .id();
      assertThat(layers(export(Optional.of(ref), lease, asked))).containsExactly(first);
    }
  }
}
