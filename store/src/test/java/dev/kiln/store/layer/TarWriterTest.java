package dev.kiln.store.layer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.model.Digest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class TarWriterTest {
  @Test
  void namesBeyondAsciiAreWrittenAsGoWritesThem() throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarWriter(bytes)) {
      tar.entry(TarEntry.directory("unicode/", 0755, 1_700_000_000));
      tar.entry(TarEntry.file("unicode/\u00fcn\u00ef.txt", 0644, 2, 1_700_000_000));
      tar.body("x\n".getBytes(StandardCharsets.UTF_8));
    }
    // the layer that BuildKit v0.22 makes of: COPY "\u00fcn\u00ef.txt" /unicode/
    assertThat(Digest.of(bytes.toByteArray()).value())
        .isEqualTo("sha256:09479735b2557267543c4a416141c44fc4888b63b1d801a37f2d1c5906f4e084");
  }
}
