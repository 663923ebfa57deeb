package dev.kiln.store.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.store.layer.LayerUnpacker.Into;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Fd;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs as root on Linux. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LayerBoundsTest {
  @TempDir Path temp;

  @AfterEach
  void removeDeepFolders() throws Exception {
    try (Fd dir = Fd.directory(temp)) {
      for (var entry : dir.list()) {
        Directories.removeTree(dir, entry.name());
      }
    }
  }

  interface Entries {
    void to(TarWriter tar) throws Exception;
  }

  private void unpack(Into into, Entries entries) throws Exception {
    unpack(into, entries, 1 << 24);
  }

  private void unpack(Into into, Entries entries, long maxHeldBytes) throws Exception {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarWriter(bytes)) {
      entries.to(tar);
    }
    try (var unpacker = new LayerUnpacker(temp, into, maxHeldBytes)) {
      unpacker.unpack(new ByteArrayInputStream(bytes.toByteArray()));
    }
  }

  private static TarEntry link(String name, String target) {
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
  void aDeletionSparesWhatTheLayerItselfHasPut() throws Exception {
    Files.createDirectories(temp.resolve("a"));
    Files.createDirectories(temp.resolve("b"));
    Files.writeString(temp.resolve("a/old"), "");
    Files.writeString(temp.resolve("b/old"), "");
    unpack(
        Into.TREE,
        tar -> {
          tar.entry(TarEntry.file("a/new", 0644, 0, 0));
          tar.entry(TarEntry.file("a-b", 0644, 0, 0)); // sorts before a/
          tar.entry(TarEntry.file("a/.wh..wh..opq", 0644, 0, 0));
          tar.entry(TarEntry.file("a/later", 0644, 0, 0));
          tar.entry(TarEntry.file("a/.wh..wh..opq", 0644, 0, 0));
          tar.entry(TarEntry.file(".wh.a", 0644, 0, 0));
          tar.entry(TarEntry.file(".wh.b", 0644, 0, 0));
        });
    assertThat(temp.resolve("a")).isDirectoryNotContaining("glob:**/old");
    assertThat(temp.resolve("a/new")).exists();
    assertThat(temp.resolve("a/later")).exists();
    assertThat(temp.resolve("b")).doesNotExist();
  }

  @Test
  void deletionsCostNoMoreTheMoreTheLayerHolds() throws Exception {
    unpack(
        Into.TREE,
        tar -> {
          for (int i = 0; i < 10_000; i++) {
            tar.entry(TarEntry.file("d/f" + i, 0644, 0, 0));
          }
          for (int i = 0; i < 20_000; i++) { // a walk over all that is written would take minutes
            tar.entry(TarEntry.file("d/.wh.gone" + i, 0644, 0, 0));
            tar.entry(TarEntry.file("d/.wh..wh..opq", 0644, 0, 0));
          }
        });
    assertThat(temp.resolve("d").toFile().list()).hasSize(10_000);
  }

  @Test
  void foldersThatNoEntryNamesAreMadeHoweverDeep() throws Exception {
    String deep = "d/".repeat(1500);
    unpack(Into.LAYER, tar -> tar.entry(TarEntry.file(deep + "f", 0644, 0, 0)));
    try (Fd dir = Fd.directory(temp)) {
      assertThat(dir.exists(BytePath.of(deep + "f"))).isTrue();
    }
  }

  @Test
  void foldersThatNoEntryNamesAreBoundedTogether() {
    assertThatThrownBy(() ->
            unpack(
                Into.LAYER,
                tar -> {
                  for (int i = 0; i < 200; i++) {
                    tar.entry(TarEntry.file(i + "/d".repeat(200) + "/f", 0644, 0, 0));
                  }
                },
                1 << 17))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("131072 bytes together");
  }

  @Test
  void aChainOfLinksToNowhereIsFollowedOnlySoFar() throws Exception {
    unpack(
        Into.TREE,
        tar -> {
          tar.entry(link("a", "b"));
          tar.entry(link("b", "/c/d"));
          tar.entry(TarEntry.file("a/f", 0644, 0, 0));
        });
    assertThat(temp.resolve("c/d/f")).exists();
    assertThatThrownBy(() ->
            unpack(
                Into.TREE,
                tar -> {
                  for (int i = 0; i < 1000; i++) {
                    tar.entry(link("l" + i, "l" + (i + 1)));
                  }
                  tar.entry(TarEntry.file("l0/f", 0644, 0, 0));
                }))
        .hasMessageContaining("too many levels of symbolic links");
  }
}
