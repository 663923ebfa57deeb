package dev.kiln.store.layer;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.kiln.model.BuildException;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Fd;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Any bytes are a layer or refused, and nothing outside of its folder changes. */
class LayerUnpackerFuzzTest {
  @FuzzTest
  void anyLayerStaysInItsFolder(byte[] bytes) throws Exception {
    Path around = Files.createTempDirectory("fuzz");
    try {
      for (LayerUnpacker.Into into : LayerUnpacker.Into.values()) {
        Path root = Files.createDirectory(around.resolve("root"));
        Files.createDirectory(root.resolve("a"));
        unpack(root, into, bytes);
        Directories.removeTree(Fd.CWD, BytePath.of(root));
        try (Stream<Path> left = Files.list(around)) {
          assertThat(left).isEmpty();
        }
      }
    } finally {
      Directories.removeTree(Fd.CWD, BytePath.of(around));
    }
  }

  private static void unpack(Path root, LayerUnpacker.Into into, byte[] bytes) throws Exception {
    try (var unpacker = new LayerUnpacker(root, into)) {
      unpacker.unpack(new ByteArrayInputStream(bytes));
    } catch (BuildException | IOException expected) {
      assertThat(expected.getMessage()).isNotBlank();
    }
  }
}
