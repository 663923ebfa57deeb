package dev.kiln.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.StepProgress;
import dev.kiln.store.layer.TarEntry;
import dev.kiln.store.layer.TarReader;
import dev.kiln.store.layer.TarWriter;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Descent;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Fd;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** States from birth to collection, with real mounts: runs as root on Linux. */
abstract class StoreTest {
  @TempDir Path temp;
  Store store;
  private Lease lease;

  abstract String snapshotter();

  @BeforeEach
  void open() {
    store = LocalStore.open(StoreOptions.of(temp.resolve("store"), snapshotter()));
    assertThat(store.snapshotterName()).isEqualTo(snapshotter());
    lease = store.leases().open("test");
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    lease.close();
    assertThat(store.leases().openNames()).isEmpty();
    store.close();
    assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(temp.toString());
  }

  private void reopen() {
    lease.close();
    store.close();
    open();
  }

  interface Work {
    void in(Path root) throws Exception;
  }

  final RefId make(Optional<RefId> parent, Work work) throws Exception {
    try (ActiveRef active =
        store.refs().create(lease, parent, RefOptions.of("made"), StepProgress.NONE)) {
      work.in(active.mount());
      return active.commit().id();
    }
  }

  private RefId make(RefId parent, Work work) throws Exception {
    return make(Optional.of(parent), work);
  }

  private RefId scratch(Work work) throws Exception {
    return make(Optional.empty(), work);
  }

  /** Every path with the content of files, directories with a slash. */
  final List<String> tree(RefId id) throws Exception {
    try (View view = store.refs().view(id, StepProgress.NONE);
        var walk = Files.walk(view.root())) {
      var all = new ArrayList<String>();
      for (Path path : walk.skip(1).sorted().toList()) {
        String name = view.root().relativize(path).toString();
        all.add(
            Files.isSymbolicLink(path)
                ? name + "->" + Files.readSymbolicLink(path)
                : Files.isDirectory(path) ? name + "/" : name + "=" + Files.readString(path));
      }
      return all;
    }
  }

  private List<String> tarNames(Layer layer) throws Exception {
    var names = new ArrayList<String>();
    try (InputStream in = new GZIPInputStream(store.content().stream(layer.blob().digest()))) {
      var reader = new TarReader(in);
      for (var e = reader.next(); e.isPresent(); e = reader.next()) {
        names.add(
            e.get().name()
                + (e.get().type() == TarEntry.HARD_LINK ? "=>" + e.get().linkname() : ""));
      }
    }
    return names;
  }

  private List<Layer> layers(RefId id) throws Exception {
    return store.refs().layers(id, LayerOptions.of(Compression.GZIP), StepProgress.NONE);
  }

  private static void write(Path file, String text) throws Exception {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private static void delete(Path path) throws Exception {
    try (var walk = Files.walk(path)) {
      for (Path each : walk.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }

  @Test
  void statesLieOnTopOfEachOther() throws Exception {
    RefId base =
        scratch(root -> {
          write(root.resolve("etc/a"), "1");
          write(root.resolve("etc/b"), "2");
        });
    RefId top =
        make(
            base,
            root -> {
              Files.delete(root.resolve("etc/a"));
              write(root.resolve("etc/b"), "3");
              write(root.resolve("new/c"), "4");
            });
    assertThat(tree(base)).containsExactly("etc/", "etc/a=1", "etc/b=2");
    assertThat(tree(top)).containsExactly("etc/", "etc/b=3", "new/", "new/c=4");
    reopen();
    assertThat(tree(store.refs().get(lease, top).id()))
        .containsExactly("etc/", "etc/b=3", "new/", "new/c=4");
  }

  @Test
  void whatIsNotCommittedIsGone() throws Exception {
    RefId id;
    try (ActiveRef active =
        store.refs().create(lease, Optional.empty(), RefOptions.of("x"), StepProgress.NONE)) {
      write(active.mount().resolve("f"), "1");
      id = active.id();
    }
    assertThatThrownBy(() -> store.refs().get(lease, id)).isInstanceOf(BuildException.class);
    assertThat(store.refs().usage(List.of(), Duration.ZERO)).isEmpty();
  }

  @Test
  void layersHoldChangesAndDeletions() throws Exception {
    RefId base =
        scratch(root -> {
          write(root.resolve("etc/a"), "1");
          write(root.resolve("etc/b"), "2");
          write(root.resolve("old/x/y"), "3");
          Files.createLink(root.resolve("etc/link"), root.resolve("etc/b"));
        });
    RefId top =
        make(
            base,
            root -> {
              Files.delete(root.resolve("etc/a"));
              delete(root.resolve("old"));
              write(root.resolve("old/z"), "4");
              write(root.resolve("new/c"), "4");
            });
    List<Layer> layers = layers(top);
    assertThat(layers).hasSize(2);
    assertThat(tarNames(layers.get(0)))
        .containsExactly("etc/", "etc/a", "etc/b", "etc/link=>etc/b", "old/", "old/x/", "old/x/y");
    assertThat(tarNames(layers.get(1)))
        .containsExactly("etc/", "etc/.wh.a", "new/", "new/c", "old/", "old/.wh.x", "old/z");
    assertThat(layers.get(1).blob().mediaType()).isEqualTo(MediaTypes.OCI_LAYER_GZIP);
    assertThat(layers(top)).as("packed once").isEqualTo(layers);
  }

  @Test
  void whatIsWrittenAgainAsItWasIsNoChange() throws Exception {
    var time = java.nio.file.attribute.FileTime.from(Instant.ofEpochSecond(77));
    RefId base =
        scratch(root -> {
          for (String name : List.of("d/same", "d/other")) {
            write(root.resolve(name), "1");
            Files.setLastModifiedTime(root.resolve(name), time);
          }
        });
    RefId top =
        make(
            base,
            root -> {
              for (String name : List.of("d/same", "d/other")) {
                Files.delete(root.resolve(name));
                write(root.resolve(name), name.equals("d/same") ? "1" : "2");
                Files.setLastModifiedTime(root.resolve(name), time);
              }
            });
    assertThat(tarNames(layers(top).get(1))).containsExactly("d/", "d/other");
  }

  @Test
  void unpackedLayersAreTheSameTree() throws Exception {
    RefId base =
        scratch(root -> {
          write(root.resolve("etc/a"), "1");
          write(root.resolve("old/x/y"), "3");
          Files.createSymbolicLink(root.resolve("lib"), Path.of("usr/lib"));
          Files.createDirectories(root.resolve("usr/lib"));
        });
    RefId top =
        make(
            base,
            root -> {
              Files.delete(root.resolve("etc/a"));
              delete(root.resolve("old"));
              write(root.resolve("old/z"), "4");
              write(root.resolve("usr/lib/q"), "5");
            });
    List<Layer> layers = layers(top);
    var fetched = new AtomicInteger();
    BlobSource source = (blob, into, progress) -> fetched.incrementAndGet();
    Optional<RefId> at = Optional.empty();
    for (Layer layer : layers) {
      at = Optional.of(store.refs().layer(lease, at, layer, source, RefOptions.of("pulled")).id());
    }
    assertThat(store.refs().isLazy(at.orElseThrow())).isTrue();
    assertThat(tree(at.orElseThrow())).isEqualTo(tree(top));
    assertThat(store.refs().isLazy(at.orElseThrow())).isFalse();
    assertThat(fetched).as("blobs that are here").hasValue(0);
    assertThat(layers(at.orElseThrow()).stream().map(l -> l.blob().digest()).toList())
        .isEqualTo(layers.stream().map(l -> l.blob().digest()).toList());
  }

  private Layer layer(List<TarEntry> entries) throws Exception {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarWriter(bytes)) {
      for (TarEntry entry : entries) {
        tar.entry(entry);
        tar.body(new byte[(int) entry.sizeBytes()]);
      }
    }
    Descriptor blob = store.content().put(MediaTypes.OCI_LAYER, bytes.toByteArray());
    return new Layer(blob, blob.digest(), Instant.EPOCH, "pulled", new TreeSet<>());
  }

  private RefId pulled(List<List<TarEntry>> layers) throws Exception {
    Optional<RefId> at = Optional.empty();
    for (List<TarEntry> entries : layers) {
      at =
          Optional.of(
              store
                  .refs()
                  .layer(lease, at, layer(entries), (b, i, p) -> {}, RefOptions.of("pulled"))
                  .id());
    }
    return at.orElseThrow();
  }

  private static TarEntry symlink(String name, String target) {
    return new TarEntry(
        BytePath.of(name),
        TarEntry.SYMLINK,
        0777,
        0,
        0,
        0,
        0,
        0,
        BytePath.of(target),
        0,
        0,
        new TreeMap<>());
  }

  @Test
  void aLayerThroughALinkOfALowerOneLandsWhereItLeads() throws Exception {
    RefId id =
        pulled(
            List.of(
                List.of(TarEntry.directory("usr/lib/", 0755, 0), symlink("lib", "usr/lib")),
                List.of(TarEntry.file("lib/x", 0644, 0, 0))));
    assertThat(tree(id)).containsExactly("lib->usr/lib", "usr/", "usr/lib/", "usr/lib/x=");
  }

  @Test
  void unnamedDirectoriesKeepTheirAttributes() throws Exception {
    RefId id =
        pulled(
            List.of(
                List.of(TarEntry.directory("tmp/", 01777, 5)),
                List.of(TarEntry.file("tmp/x", 0644, 0, 0)),
                List.of(TarEntry.file(".wh.tmp", 0, 0, 0), TarEntry.file("y", 0600, 0, 0)),
                List.of(TarEntry.file("tmp/z", 0644, 0, 0))));
    assertThat(tree(id)).containsExactly("tmp/", "tmp/z=", "y=");
    RefId two =
        pulled(
            List.of(
                List.of(TarEntry.directory("tmp/", 01777, 5)),
                List.of(TarEntry.file("tmp/x", 0644, 0, 0))));
    try (View view = store.refs().view(two, StepProgress.NONE)) {
      assertThat(Files.getAttribute(view.root().resolve("tmp"), "unix:mode")).isEqualTo(0041777);
    }
  }

  @Test
  void anEvilLayerStaysInside() throws Exception {
    Path outside = Files.createDirectories(temp.resolve("outside"));
    RefId id =
        pulled(
            List.of(
                List.of(
                    symlink("out", outside.toString()),
                    TarEntry.directory(outside.toString().substring(1) + "/", 0755, 0),
                    TarEntry.file("out/x", 0644, 0, 0),
                    TarEntry.file("../../y", 0644, 0, 0))));
    assertThat(tree(id)).contains("y=").anyMatch(p -> p.endsWith("outside/x="));
    assertThat(outside).isEmptyDirectory();
  }

  @Test
  void aMergeAppliesDeletionsAndCopiesNothing() throws Exception {
    RefId a =
        scratch(root -> {
          write(root.resolve("d/a"), "1");
          write(root.resolve("d/gone"), "1");
        });
    RefId b1 =
        scratch(root -> {
          write(root.resolve("d/gone"), "2");
          write(root.resolve("d/b"), "2");
        });
    RefId b2 = make(b1, root -> Files.delete(root.resolve("d/gone")));
    RefId b3 =
        make(
            b2,
            root -> {
              delete(root.resolve("d"));
              write(root.resolve("d/c"), "3");
            });
    RefId merged = store.refs().merge(lease, List.of(a, b2), RefOptions.of("m")).id();
    assertThat(tree(merged)).containsExactly("d/", "d/a=1", "d/b=2");
    RefId again = store.refs().merge(lease, List.of(a, b3), RefOptions.of("m")).id();
    assertThat(tree(again))
        .as("deletes only what it knew of")
        .containsExactly("d/", "d/a=1", "d/c=3");
    assertThat(layers(again)).hasSize(4);
    RefId twice = store.refs().merge(lease, List.of(b2, a, b1), RefOptions.of("m")).id();
    assertThat(tree(twice)).containsExactly("d/", "d/a=1", "d/b=2", "d/gone=2");
    RefId on = make(merged, root -> write(root.resolve("e"), "5"));
    assertThat(tree(on)).containsExactly("d/", "d/a=1", "d/b=2", "e=5");
  }

  @Test
  @Timeout(20)
  void mergesThatDoubleAreRefusedBeforeTheirLayersAreListed() throws Exception {
    RefId doubled = scratch(root -> write(root.resolve("a"), "1"));
    RefId other = scratch(root -> write(root.resolve("b"), "2"));
    RefId deep = other;
    for (int i = 0; i < 13; i++) {
      doubled = store.refs().merge(lease, List.of(doubled, doubled), RefOptions.of("m")).id();
    }
    RefId most = doubled;
    assertThatThrownBy(() -> store.refs().merge(lease, List.of(most, most), RefOptions.of("m")))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("more than 10000 layers");
    assertThat(tree(most)).containsExactly("a=1");
    for (int i = 0; i < 5_000; i++) {
      deep = store.refs().merge(lease, List.of(deep, other), RefOptions.of("m")).id();
    }
    assertThat(tree(deep)).containsExactly("b=2");
  }

  @Test
  @Timeout(20)
  void differencesOfDoubledMergesAreRefusedToo() throws Exception {
    var refs = store.refs();
    RefId extra = scratch(root -> write(root.resolve("b"), "2"));
    RefId first = scratch(root -> write(root.resolve("a"), "1"));
    assertThatThrownBy(
            () -> {
              RefId at = first;
              for (int i = 0; i < 40; i++) {
                RefId lower = refs.merge(lease, List.of(at, at), RefOptions.of("m")).id();
                RefId upper = refs.merge(lease, List.of(at, at, extra), RefOptions.of("m")).id();
                at =
                    refs.diff(
                            lease,
                            Optional.of(lower),
                            Optional.of(upper),
                            RefOptions.of("d"),
                            StepProgress.NONE)
                        .orElseThrow()
                        .id();
              }
            })
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("layers and merges");
  }

  @Test
  void aDifferenceReusesLayersOrIsComputed() throws Exception {
    RefId base =
        scratch(root -> {
          write(root.resolve("d/a"), "1");
          write(root.resolve("d/b"), "1");
        });
    RefId top =
        make(
            base,
            root -> {
              Files.delete(root.resolve("d/a"));
              write(root.resolve("c"), "2");
            });
    RefId other = scratch(root -> write(root.resolve("d/a"), "9"));
    var refs = store.refs();
    RefId diff =
        refs.diff(lease, Optional.of(base), Optional.of(top), RefOptions.of("d"), StepProgress.NONE)
            .orElseThrow()
            .id();
    assertThat(layers(diff)).hasSize(1);
    assertThat(layers(diff).getFirst()).isEqualTo(layers(top).getLast());
    assertThat(tree(refs.merge(lease, List.of(other, diff), RefOptions.of("m")).id()))
        .containsExactly("c=2", "d/");
    RefId computed =
        refs.diff(
                lease, Optional.of(other), Optional.of(top), RefOptions.of("d"), StepProgress.NONE)
            .orElseThrow()
            .id();
    assertThat(tarNames(layers(computed).getFirst())).containsExactly("c", "d/", "d/.wh.a", "d/b");
    assertThat(tree(computed)).containsExactly("c=2", "d/", "d/b=1");
    RefId gone =
        refs.diff(lease, Optional.of(top), Optional.empty(), RefOptions.of("d"), StepProgress.NONE)
            .orElseThrow()
            .id();
    assertThat(tarNames(layers(gone).getFirst())).containsExactly(".wh.c", ".wh.d");
    assertThat(
            refs.diff(
                lease, Optional.of(top), Optional.of(top), RefOptions.of("d"), StepProgress.NONE))
        .isEmpty();
    assertThat(
            refs.diff(
                    lease,
                    Optional.empty(),
                    Optional.of(top),
                    RefOptions.of("d"),
                    StepProgress.NONE)
                .map(Ref::id))
        .contains(top);
  }

  @Test
  void aDifferenceShowsNothingThatCameAndWent() throws Exception {
    RefId base =
        scratch(root -> {
          Files.createDirectory(root.resolve("etc"));
          Files.createDirectory(root.resolve("kept"));
          write(root.resolve("kept/file"), "1");
        });
    RefId upper =
        make(
            base,
            root -> {
              write(root.resolve("etc/point"), "");
              delete(root.resolve("etc/point"));
              Files.move(root.resolve("kept/file"), root.resolve("away"));
              Files.move(root.resolve("away"), root.resolve("kept/file"));
              write(root.resolve("new"), "2");
            });
    Ref difference =
        store
            .refs()
            .diff(
                lease,
                Optional.of(base),
                Optional.of(upper),
                RefOptions.of("diff"),
                StepProgress.NONE)
            .orElseThrow();
    assertThat(tree(difference.id())).containsExactly("new=2");
    assertThat(tree(upper)).containsExactly("etc/", "kept/", "kept/file=1", "new=2");
  }

  @Test
  void namedStatesAreKeptAndWrittenAgain() throws Exception {
    var options = RefOptions.of("cache").withType(RecordType.CACHE_MOUNT);
    RefId first;
    try (MutableRef claim =
        store.refs().claim(lease, "k", Optional.empty(), Sharing.LOCKED, options)) {
      assertThat(claim.isNew()).isTrue();
      write(claim.mount().resolve("f"), "1");
      first = claim.id();
    }
    reopen();
    try (MutableRef claim =
            store.refs().claim(lease, "k", Optional.empty(), Sharing.SHARED, options);
        MutableRef shared =
            store.refs().claim(lease, "k", Optional.empty(), Sharing.SHARED, options);
        MutableRef other =
            store.refs().claim(lease, "k", Optional.empty(), Sharing.PRIVATE, options)) {
      assertThat(claim.id()).isEqualTo(first).isEqualTo(shared.id());
      assertThat(claim.mount()).isEqualTo(shared.mount());
      assertThat(claim.mount().resolve("f")).hasContent("1");
      assertThat(other.id()).isNotEqualTo(first);
      assertThat(other.mount().resolve("f")).doesNotExist();
    }
    store.refs().forget("k", false);
    try (MutableRef claim =
        store.refs().claim(lease, "k", Optional.empty(), Sharing.SHARED, options)) {
      assertThat(claim.isNew()).isTrue();
    }
  }

  @Test
  void aFrozenStateStaysWhileItsNameGoesOn() throws Exception {
    var options = RefOptions.of("local").withType(RecordType.SOURCE_LOCAL);
    var refs = store.refs();
    RefId frozen;
    try (MutableRef claim = refs.claim(lease, "k", Optional.empty(), Sharing.PRIVATE, options)) {
      write(claim.mount().resolve("f"), "1");
      frozen = claim.freeze().id();
    }
    RefId again;
    try (MutableRef claim = refs.claim(lease, "k", Optional.empty(), Sharing.PRIVATE, options)) {
      assertThat(claim.mount().resolve("f")).hasContent("1");
      Files.delete(claim.mount().resolve("f"));
      write(claim.mount().resolve("g"), "2");
      again = claim.freeze().id();
    }
    assertThat(tree(frozen)).containsExactly("f=1");
    assertThat(tree(again)).containsExactly("g=2");
    lease.release(again);
    try (MutableRef claim = refs.claim(lease, "k", Optional.empty(), Sharing.PRIVATE, options)) {
      write(claim.mount().resolve("h"), "3");
      assertThat(claim.mount().resolve("g")).hasContent("2");
    }
    assertThatThrownBy(() -> refs.get(lease, again)).hasMessageContaining("no such ref");
    assertThat(tree(frozen)).containsExactly("f=1");
  }

  @Test
  void aStateThatOthersAreBuiltOnLosesItsName() throws Exception {
    var options = RefOptions.of("local").withType(RecordType.SOURCE_LOCAL);
    var refs = store.refs();
    RefId frozen;
    try (MutableRef claim = refs.claim(lease, "k", Optional.empty(), Sharing.PRIVATE, options)) {
      write(claim.mount().resolve("f"), "1");
      frozen = claim.freeze().id();
    }
    RefId top = make(frozen, root -> write(root.resolve("g"), "2"));
    lease.release(frozen);
    try (MutableRef claim = refs.claim(lease, "k", Optional.empty(), Sharing.PRIVATE, options)) {
      assertThat(claim.isNew()).isTrue();
      assertThat(claim.mount().resolve("f")).doesNotExist();
    }
    assertThat(tree(top)).containsExactly("f=1", "g=2");
  }

  @Test
  void pruneLeavesWhatIsUsed() throws Exception {
    RefId base = scratch(root -> write(root.resolve("f"), "1"));
    RefId top = make(base, root -> write(root.resolve("g"), "1"));
    RefId other = scratch(root -> write(root.resolve("h"), "1"));
    layers(other);
    Digest blob = layers(other).getFirst().blob().digest();
    var removed = new ArrayList<RefId>();
    store.refs().onRemoved(removed::add);
    lease.release(base);
    lease.release(other);
    var told = new ArrayList<RefId>();
    store.refs().prune(PruneRequest.EVERYTHING, r -> told.add(r.id()));
    assertThat(told).containsExactly(other).isEqualTo(removed);
    assertThat(store.content().contains(blob)).isFalse();
    assertThat(tree(top)).containsExactly("f=1", "g=1");
    assertThat(store.refs().usage(List.of(), Duration.ZERO))
        .allMatch(r -> r.inUse() && r.sizeBytes() > 0)
        .hasSize(2);
    lease.release(top);
    store.refs().prune(PruneRequest.EVERYTHING, r -> told.add(r.id()));
    assertThat(told).containsExactly(other, top, base);
    assertThat(temp.resolve("store/snapshots/1")).doesNotExist();
  }

  @Test
  void aStateOfAnyDepthIsCountedAndPruned() throws Exception {
    BytePath name = BytePath.of("d");
    RefId deep =
        scratch(root -> {
          try (Fd dir = Fd.directory(root);
              var at = new Descent(dir)) {
            for (int i = 0; i < 3_000; i++) {
              at.here().mkdir(name, 0755);
              at.enter(name);
            }
          }
        });
    assertThat(store.refs().usage(List.of(), Duration.ZERO))
        .filteredOn(r -> r.id().equals(deep))
        .allMatch(r -> r.sizeBytes() > 0)
        .hasSize(1);
    reopen();
    store.refs().prune(PruneRequest.EVERYTHING, r -> {});
    assertThat(store.refs().usage(List.of(), Duration.ZERO)).isEmpty();
  }

  @Test
  void deepStatesAreComparedMergedAndPacked() throws Exception {
    BytePath deepest = BytePath.of("d" + "/d".repeat(1400));
    RefId base = scratch(root -> write(root.resolve("etc/a"), "1"));
    Work folders =
        root -> {
          try (Fd dir = Fd.directory(root)) {
            Directories.makeAll(dir, deepest, 0755);
            dir.create(deepest.resolve("f"), 0644).close();
          }
        };
    RefId deep = make(base, folders);
    RefId again =
        make(
            deep,
            root -> {
              try (Fd dir = Fd.directory(root)) {
                dir.unlink(deepest.resolve("f"));
                Directories.removeTree(dir, BytePath.of("d"));
              }
              folders.in(root);
            });
    assertThat(tarNames(layers(deep).getLast())).hasSize(1402);
    assertThat(layers(again)).hasSize(3);
    RefId other = scratch(folders);
    var refs = store.refs();
    RefId diff =
        refs.diff(
                lease,
                Optional.of(other),
                Optional.of(again),
                RefOptions.of("d"),
                StepProgress.NONE)
            .orElseThrow()
            .id();
    RefId merged = refs.merge(lease, List.of(other, diff), RefOptions.of("m")).id();
    var query = new ContentQuery("/d", true, false, List.of("**/f"), List.of());
    assertThat(refs.contentHash(merged, query, StepProgress.NONE))
        .isEqualTo(refs.contentHash(again, query, StepProgress.NONE));
    reopen();
    store.refs().prune(PruneRequest.EVERYTHING, r -> {});
  }

  @Test
  void aStateThatCannotBeCountedKeepsNoOtherFromBeingPruned() throws Exception {
    RefId bad = scratch(root -> write(root.resolve("a"), "1"));
    RefId good = scratch(root -> write(root.resolve("b"), "2"));
    try (var layers = Files.walk(temp.resolve("store"))) {
      Path a = layers.filter(p -> p.endsWith("fs/a")).findFirst().orElseThrow();
      Files.delete(a);
      Files.delete(a.getParent());
      Files.createFile(a.getParent()); // no directory any more
    }
    assertThat(store.refs().usage(List.of(), Duration.ZERO))
        .extracting(UsageRecord::id)
        .contains(bad, good);
    reopen();
    var told = new ArrayList<RefId>();
    store.refs().prune(PruneRequest.EVERYTHING, r -> told.add(r.id()));
    assertThat(told).contains(bad, good);
  }

  @Test
  void checksumsFollowTheTree() throws Exception {
    RefId a =
        scratch(root -> {
          write(root.resolve("d/f"), "1");
          Files.createSymbolicLink(root.resolve("l"), Path.of("d"));
        });
    RefId b = make(a, root -> write(root.resolve("x"), "1"));
    RefId c = make(b, root -> write(root.resolve("d/f"), "2"));
    var refs = store.refs();
    Digest inA = refs.contentHash(a, ContentQuery.of("/d"), StepProgress.NONE);
    assertThat(refs.contentHash(b, ContentQuery.of("/d"), StepProgress.NONE)).isEqualTo(inA);
    assertThat(refs.contentHash(b, ContentQuery.of("/l"), StepProgress.NONE)).isEqualTo(inA);
    assertThat(refs.contentHash(c, ContentQuery.of("/d"), StepProgress.NONE)).isNotEqualTo(inA);
    assertThat(refs.contentHash(a, ContentQuery.of("/"), StepProgress.NONE))
        .isNotEqualTo(refs.contentHash(b, ContentQuery.of("/"), StepProgress.NONE));
    assertThatThrownBy(() -> refs.contentHash(a, ContentQuery.of("/no"), StepProgress.NONE))
        .hasMessage("\"/no\": not found");
    reopen();
    assertThat(store.refs().contentHash(a, ContentQuery.of("/d"), StepProgress.NONE))
        .isEqualTo(inA);
  }

  @Test
  void equalTreesGiveEqualBlobs() throws Exception {
    Work work =
        root -> {
          write(root.resolve("d/f"), "x".repeat(700_000));
          for (Path p : List.of(root.resolve("d/f"), root.resolve("d"))) {
            Files.setLastModifiedTime(
                p, java.nio.file.attribute.FileTime.from(Instant.ofEpochSecond(77)));
          }
        };
    Layer one = layers(scratch(work)).getFirst();
    Layer two = layers(scratch(work)).getFirst();
    assertThat(one.blob().digest()).isEqualTo(two.blob().digest());
    try (InputStream in = new GZIPInputStream(store.content().stream(one.blob().digest()))) {
      assertThat(Digest.of(in.readAllBytes())).isEqualTo(one.diffId());
    }
  }
}
