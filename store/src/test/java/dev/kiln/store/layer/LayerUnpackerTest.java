package dev.kiln.store.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class LayerUnpackerTest {
  @TempDir Path root;

  @Test
  @Timeout(20)
  void whiteoutsCostTheSameHoweverManyFilesCameBefore() throws Exception {
    Files.createDirectories(root.resolve("d/e"));
    Files.createDirectories(root.resolve("below"));
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarWriter(bytes)) {
      for (int i = 0; i < 5_000; i++) {
        tar.entry(TarEntry.file("d/e/f" + i, 0644, 0, 0));
      }
      for (int i = 0; i < 50_000; i++) {
        tar.entry(TarEntry.file("d/e/.wh.g" + i, 0644, 0, 0));
      }
      tar.entry(TarEntry.file("d/.wh.e", 0644, 0, 0)); // the layer's own files stay
      tar.entry(TarEntry.file(".wh.below", 0644, 0, 0));
    }
    try (var unpacker = new LayerUnpacker(root, LayerUnpacker.Into.TREE)) {
      unpacker.unpack(new ByteArrayInputStream(bytes.toByteArray()));
    }
    assertThat(root.resolve("d/e/f4999")).exists();
    assertThat(root.resolve("below")).doesNotExist();
  }
}
