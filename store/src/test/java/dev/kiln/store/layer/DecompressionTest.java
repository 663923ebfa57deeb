package dev.kiln.store.layer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A stream is unpacked whole, or refused in words wherever it is cut. */
final class DecompressionTest {
  private static final byte[] TEXT = "some text, some text, some text".repeat(40).getBytes(UTF_8);

  private static byte[] packed(String how) throws IOException {
    if (how.equals("zstd")) {
      return Zstd.compress(TEXT);
    }
    var out = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(out)) {
      gzip.write(TEXT);
    }
    return out.toByteArray();
  }

  private static byte[] unpacked(byte[] packed) throws IOException {
    return Decompression.of(new ByteArrayInputStream(packed)).readAllBytes();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "zstd"})
  void whatIsCutAnywhereIsRefusedInWords(String how) throws IOException {
    byte[] whole = packed(how);
    assertThat(unpacked(whole)).isEqualTo(TEXT);
    for (int length = 4; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> unpacked(cut))
          .as("%d of %d bytes", length, whole.length)
          .satisfies(e -> assertThat(e.getMessage()).isNotBlank());
    }
  }

  @Test
  void gzipThatIsCutIsTheSendersFault() throws IOException {
    byte[] whole = packed("gzip");
    for (int length = 4; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> unpacked(cut))
          .as("%d of %d bytes", length, whole.length)
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
          .hasMessage("unexpected EOF in a compressed stream");
    }
  }
}
