package dev.kiln.remotecache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.actors.CacheTable;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.StepProgress;
import dev.kiln.remotecache.graph.CacheConfig;
import dev.kiln.remotecache.graph.ChainLayer;
import dev.kiln.remotecache.graph.ConfigWriter;
import dev.kiln.store.Layer;
import dev.kiln.store.LocalStore;
import dev.kiln.store.Store;
import dev.kiln.store.StoreOptions;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ObjectCacheTest {
  private static final Instant NOW = Instant.parse("2026-01-02T00:00:00Z");
  private static final byte[] BLOB = "a layer".getBytes(StandardCharsets.UTF_8);
  private static final Digest DIGEST = Digest.of(BLOB);

  @TempDir Path folder;
  private Store store;
  private final Objects objects = new Objects();

  @BeforeEach
  void open() throws Exception {
    store = LocalStore.open(StoreOptions.of(folder, "native"));
  }

  @AfterEach
  void close() {
    store.close();
  }

  private static final class Objects implements ObjectStore {
    final Map<String, byte[]> all = new ConcurrentHashMap<>();
    final Map<String, Instant> changed = new ConcurrentHashMap<>();
    final List<String> calls = new ArrayList<>();

    @Override
    public synchronized Optional<Stored> find(String name) {
      byte[] bytes = all.get(name);
      return bytes == null
          ? Optional.empty()
          : Optional.of(new Stored(changed.getOrDefault(name, NOW), bytes.length));
    }

    @Override
    public synchronized void put(String name, long sizeBytes, Opener from)
        throws IOException, InterruptedException {
      calls.add("put " + name);
      try (InputStream in = from.open()) {
        all.put(name, in.readAllBytes());
      }
    }

    @Override
    public synchronized Optional<InputStream> open(String name, long offset) {
      byte[] bytes = all.get(name);
      return bytes == null
          ? Optional.empty()
          : Optional.of(new ByteArrayInputStream(bytes, (int) offset, bytes.length - (int) offset));
    }

    @Override
    public synchronized void touch(String name, Stored object) {
      calls.add("touch " + name);
    }
  }

  private ObjectCache cache() {
    return new ObjectCache(
        () -> objects,
        new ObjectStore.Layout(
            "p/blobs/", List.of("p/a", "p/b"), List.of("p/a"), Duration.ofHours(24), 2),
        store.content(),
        Clock.fixed(NOW, ZoneOffset.UTC));
  }

  private static ConfigWriter.Written written() {
    var layer =
        new Layer(
            new Descriptor(MediaTypes.OCI_LAYER, DIGEST, BLOB.length),
            DIGEST,
            NOW,
            "",
            new TreeSet<>());
    var config =
        new CacheConfig(
            List.of(new CacheConfig.Layer(DIGEST, -1, Optional.empty())),
            List.of(
                new CacheConfig.Record(
                    Digest.of("root"), List.of(new CacheConfig.Top(0, NOW)), List.of())));
    return new ConfigWriter.Written(config, List.of(new ChainLayer(layer, progress -> {})));
  }

  private CacheTable read(ObjectCache cache) throws Exception {
    var table =
        new ImportedTable(
            "test",
            new ImportedResults(
                store,
                cache,
                of -> {
                  throw new UnsupportedOperationException();
                }));
    cache.read(table);
    return table.table();
  }

  @Test
  void whatIsWrittenIsReadAgain() throws Exception {
    store.content().put(MediaTypes.OCI_LAYER, BLOB);
    cache().write(written(), StepProgress.NONE);
    assertThat(new TreeMap<>(objects.all))
        .containsOnlyKeys("p/a", "p/b", "p/blobs/" + DIGEST)
        .containsEntry("p/blobs/" + DIGEST, BLOB);
    ObjectCache again = cache();
    CacheTable table = read(again);
    var record = table.records(Digest.of("root").value()).getFirst();
    Layer layer = ((ImportedResults) table.loader()).layers(record).getFirst();
    assertThat(layer.diffId()).isEqualTo(DIGEST);
    assertThat(layer.createdAt()).isEqualTo(NOW);
    store.content().delete(DIGEST);
    again.fetch(layer.blob(), store.content(), StepProgress.NONE);
    assertThat(store.content().read(DIGEST)).isEqualTo(BLOB);
  }

  @Test
  void whatIsThereIsNotSentAgainButTouchedWhenOld() throws Exception {
    objects.all.put("p/blobs/" + DIGEST, BLOB);
    cache().write(written(), StepProgress.NONE);
    assertThat(objects.calls).containsExactly("put p/a", "put p/b");
    objects.calls.clear();
    objects.changed.put("p/blobs/" + DIGEST, NOW.minus(Duration.ofHours(25)));
    cache().write(written(), StepProgress.NONE);
    assertThat(objects.calls).containsExactly("touch p/blobs/" + DIGEST, "put p/a", "put p/b");
  }

  @Test
  void aCacheThatNobodyHasWrittenIsEmpty() throws Exception {
    assertThat(read(cache()).exists(Digest.of("root").value())).isFalse();
  }

  @Test
  void aLayerThatIsGoneIsSaidToBe() {
    assertThatThrownBy(() ->
            cache()
                .fetch(
                    new Descriptor(MediaTypes.OCI_LAYER, DIGEST, BLOB.length),
                    store.content(),
                    StepProgress.NONE))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("does not hold the layer");
  }

  @Test
  void optionsOfS3() {
    S3Options options =
        S3Options.of(
            Map.of(
                "bucket", "b",
                "prefix", "x/",
                "name", "one;two",
                "access_key_id", "id",
                "secret_access_key", "sss",
                "touch_refresh", "1h30m"),
            Map.of("AWS_REGION", "r"));
    assertThat(options.region()).isEqualTo("r");
    assertThat(options.layout())
        .isEqualTo(
            new ObjectStore.Layout(
                "x/blobs/",
                List.of("x/manifests/one", "x/manifests/two"),
                List.of("x/manifests/one"),
                Duration.ofMinutes(90),
                4));
    assertThat(options.toString()).doesNotContain("sss");
    assertThatThrownBy(() -> S3Options.of(Map.of("region", "r"), Map.of()))
        .hasMessage("bucket ($AWS_BUCKET) not set for s3 cache");
    assertThatThrownBy(() ->
            S3Options.of(Map.of("bucket", "b", "region", "r", "upload_parallelism", "0"), Map.of()))
        .hasMessage("upload_parallelism must be a positive integer");
  }

  @Test
  void optionsOfAzure() {
    AzureOptions options =
        AzureOptions.of(
            Map.of(
                "account_url", "https://acc.blob.core.windows.net",
                "prefix", "x/",
                "name", "one;two",
                "secret_access_key", "sss"),
            Map.of("BUILDKIT_AZURE_STORAGE_CONTAINER", "c"));
    assertThat(options.accountName()).isEqualTo("acc");
    assertThat(options.container()).isEqualTo("c");
    assertThat(options.layout().blobs()).isEqualTo("x/blobs/");
    assertThat(options.layout().manifests()).containsExactly("x/manifests/one", "x/manifests/two");
    assertThat(options.layout().imported()).isEqualTo(options.layout().manifests());
    assertThat(options.toString()).doesNotContain("sss");
    assertThatThrownBy(() -> AzureOptions.of(Map.of(), Map.of()))
        .hasMessageContaining("account_url attribute is required");
  }
}
