package dev.kiln.sources;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.model.Digest;
import org.junit.jupiter.api.Test;

/** Expected values were made by BuildKit v0.22's code. */
class SourceKeyTest {
  @Test
  void keysOfSessionsNeverLeaveTheDaemon() {
    var key = new SourceKey("session:ctx:" + Digest.of("k"), "", true);
    assertThat(key.digest().value())
        .isEqualTo("random:e27d62f246b4d3fc4c8f2e9843a64b3d0f7052cdd7928cd95a174f6352c45553");
    assertThat(new SourceKey(Digest.of("index").value(), "", true).digest().value())
        .isEqualTo("sha256:296eaedcab1c25ef87893af9a10145930a75833676415ed46961f735194c840b");
  }
}
