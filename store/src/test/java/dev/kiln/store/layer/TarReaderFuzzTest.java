package dev.kiln.store.layer;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.kiln.model.BuildException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Optional;

/** Any bytes are a tar stream or an error in words; what is read is within the bytes given. */
class TarReaderFuzzTest {
  @FuzzTest
  void anyBytesAreReadOrRefused(byte[] bytes) {
    try {
      var reader = new TarReader(Decompression.of(new ByteArrayInputStream(bytes)));
      byte[] buffer = new byte[4096];
      int entries = 0;
      for (Optional<TarEntry> e = reader.next(); e.isPresent(); e = reader.next()) {
        assertThat(e.get().sizeBytes()).isNotNegative();
        assertThat(e.get().mtimeNanos()).isBetween(0, 999_999_999);
        for (int n = 0; n >= 0 && ++entries < 10_000; ) {
          n = reader.read(buffer, 0, buffer.length);
        }
      }
    } catch (BuildException | IOException expected) {
      assertThat(expected.getMessage()).isNotBlank();
    }
  }
}
