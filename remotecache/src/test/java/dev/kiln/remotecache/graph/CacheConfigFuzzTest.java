package dev.kiln.remotecache.graph;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import java.util.List;
import java.util.function.Supplier;

/** Any config of a cache is read or refused; the results of one that was read can be listed. */
class CacheConfigFuzzTest {
  @FuzzTest
  void anyConfigIsReadOrRefused(byte[] bytes) {
    read(() -> CacheConfig.parse(bytes));
    read(() -> CacheConfig.ofImage(bytes, List.of(Digest.of("a"), Digest.of("b"))));
  }

  private static void read(Supplier<CacheConfig> reading) {
    CacheConfig config;
    try {
      config = reading.get();
    } catch (BuildException expected) {
      assertThat(expected.kind()).isNotEqualTo(Kind.INTERNAL);
      assertThat(expected.getMessage()).isNotBlank();
      return;
    }
    config.records().forEach(record -> record.results().forEach(config::blobs));
    assertThat(CacheConfig.parse(config.toJson())).isEqualTo(config);
  }
}
