package dev.kiln.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.StepProgress;
import dev.kiln.store.layer.TarEntry;
import dev.kiln.store.layer.TarWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What one image says of a layer is nothing to another image. */
class ClaimedLayersTest {
  private static final BlobSource NOBODY = (blob, into, progress) -> {};

  @TempDir Path folder;
  private LocalStore store;
  private Lease lease;

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

  private void reopen() {
    close();
    open();
  }

  private static byte[] tar(String name) {
    var bytes = new ByteArrayOutputStream();
    try {
      var tar = new TarWriter(bytes);
      byte[] text = name.getBytes(StandardCharsets.UTF_8);
      tar.entry(TarEntry.file(name, 0644, text.length, 0));
      tar.write(text, 0, text.length);
      tar.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static byte[] packed(byte[] tar) {
    var bytes = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(bytes)) {
      gzip.write(tar);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** A layer whose blob is here already. */
  private Layer layer(byte[] blob, byte[] tar) {
    return new Layer(
        store.content().put(MediaTypes.OCI_LAYER_GZIP, blob),
        Digest.of(tar),
        Instant.EPOCH,
        "",
        new TreeSet<>());
  }

  private RefId image(Layer... layers) {
    Optional<RefId> top = Optional.empty();
    for (Layer layer : layers) {
      top = Optional.of(store.refs().layer(lease, top, layer, NOBODY, RefOptions.of("x")).id());
    }
    return top.orElseThrow();
  }

  private List<String> files(RefId id) throws Exception {
    try (View view = store.refs().view(id, StepProgress.NONE);
        var all = Files.list(view.root())) {
      return all.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  private Layer exported(RefId id) throws Exception {
    return store.refs().layers(id, LayerOptions.of(Compression.GZIP), StepProgress.NONE).getFirst();
  }

  private long directories() throws Exception {
    try (var all = Files.list(folder.resolve("snapshots"))) {
      return all.filter(p -> p.getFileName().toString().matches("\\d+")).count();
    }
  }

  private long size() {
    return store.refs().usage(List.of(), Duration.ZERO).stream()
        .mapToLong(UsageRecord::sizeBytes)
        .sum();
  }

  private void pruneAllBut(RefId... kept) throws Exception {
    lease.close();
    lease = store.leases().open("test");
    for (RefId id : kept) {
      store.refs().get(lease, id);
    }
    store.refs().prune(PruneRequest.EVERYTHING, gone -> {});
  }

  @Test
  void aLayerThatLiesOfItsContentIsRefusedAndHarmsNoOther() throws Exception {
    byte[] good = tar("good");
    RefId evil = image(layer(packed(tar("evil")), good));
    RefId honest = image(layer(packed(good), good));
    assertThatThrownBy(() -> store.refs().unlazy(evil, StepProgress.NONE))
        .hasMessageContaining("failed to verify layer " + Digest.of(packed(tar("evil"))))
        .hasMessageContaining("expected diffID " + Digest.of(good));
    assertThat(files(honest)).containsExactly("good");
    assertThat(exported(honest).blob().digest()).isEqualTo(Digest.of(packed(good)));
  }

  @Test
  void aLayerThatLiesIsNotPutInTheHonestOnesPlace() throws Exception {
    byte[] good = tar("good");
    RefId honest = image(layer(packed(good), good));
    image(layer(packed(tar("evil")), good));
    assertThat(exported(honest).blob().digest()).isEqualTo(Digest.of(packed(good)));
    assertThat(files(honest)).containsExactly("good");
  }

  @Test
  void noSizeTypeAnnotationOrTimeOfAnotherImageShows() throws Exception {
    byte[] good = tar("good");
    Layer honest = layer(packed(good), good);
    Descriptor blob = honest.blob();
    image(
        new Layer(
            new Descriptor("text/evil", blob.digest(), 7).withAnnotations(Map.of("evil", "yes")),
            honest.diffId(),
            Instant.ofEpochSecond(666),
            "",
            new TreeSet<>()));
    Layer shown = exported(image(honest));
    assertThat(shown.blob().mediaType()).isEqualTo(MediaTypes.OCI_LAYER_GZIP);
    assertThat(shown.blob().sizeBytes()).isEqualTo(blob.sizeBytes());
    assertThat(shown.blob().annotations()).doesNotContainKey("evil");
    assertThat(shown.createdAt()).isEqualTo(Instant.EPOCH);
  }

  @Test
  void whatLiesOnALyingLayerIsAnotherLayerThanOnAnHonestOne() throws Exception {
    byte[] good = tar("good");
    byte[] top = tar("top");
    RefId evil = image(layer(packed(tar("evil")), good), layer(packed(top), top));
    RefId honest = image(layer(packed(good), good), layer(packed(top), top));
    assertThat(evil).isNotEqualTo(honest);
    assertThat(files(honest)).containsExactly("good", "top");
  }

  @Test
  void equalContentIsUnpackedOnceAndStaysForTheOther() throws Exception {
    byte[] good = tar("good");
    RefId packed = image(layer(packed(good), good));
    RefId plain = image(layer(good, good));
    assertThat(packed).isNotEqualTo(plain);
    store.refs().unlazy(packed, StepProgress.NONE);
    long one = size();
    store.refs().unlazy(plain, StepProgress.NONE);
    RefId later = image(layer(good, good).createdAt(Instant.ofEpochSecond(9)));
    assertThat(store.refs().isLazy(later)).isFalse();
    assertThat(directories()).isEqualTo(1);
    pruneAllBut(packed, plain);
    assertThat(size()).isEqualTo(one); // the directory counts once
    pruneAllBut(plain);
    assertThat(directories()).isEqualTo(1);
    assertThat(files(plain)).containsExactly("good");
    assertThat(size()).isGreaterThan(good.length); // now the directory counts here
    pruneAllBut();
    assertThat(directories()).isZero();
  }

  @Test
  void aLayerIsTheSameAfterARestartWhateverItsTime() {
    byte[] good = tar("good");
    byte[] top = tar("top");
    Layer[] layers = {
      layer(packed(good), good).createdAt(Instant.parse("0001-01-01T00:00:00Z")),
      layer(packed(top), top).createdAt(Instant.parse("9999-12-31T23:59:59.5Z"))
    };
    RefId before = image(layers);
    reopen();
    assertThat(image(layers)).isEqualTo(before);
  }

  @Test
  void anAnnotationMaySayAnything() throws Exception {
    byte[] good = tar("good");
    Layer plain = layer(packed(good), good);
    Map<String, String> annotations = Map.of("a=b\n", "c\n=\\n", "", "\n\n", "n", "");
    RefId id =
        image(
            new Layer(
                plain.blob().withAnnotations(annotations),
                plain.diffId(),
                Instant.EPOCH,
                "",
                new TreeSet<>()));
    reopen();
    assertThat(exported(id).blob().annotations()).containsAllEntriesOf(annotations);
  }
}
