package dev.kiln.remotecache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.llb.CacheImport;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RemoteCachesTest {
  private static String id(String scope, String token) {
    return RemoteCaches.id(new CacheImport("gha", Map.of("scope", scope, "token", token)));
  }

  @Test
  void aCacheIsTheSameWhateverItsToken() {
    assertThat(id("a", "one")).isEqualTo(id("a", "two")).isNotEqualTo(id("b", "one"));
    assertThat(id("a", "one")).startsWith("gha:");
  }

  @Test
  void anImportDoesNotPrintItsSecrets() {
    assertThat(new CacheImport("gha", Map.of("scope", "a", "token", "SECRET")))
        .hasToString("CacheImport[gha, {scope=a}]");
  }
}
