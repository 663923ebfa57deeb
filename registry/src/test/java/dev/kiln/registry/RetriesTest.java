package dev.kiln.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.MediaTypes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How long a registry that has too much to do is waited for. */
class RetriesTest {
  private static final byte[] MANIFEST = "{\"config\":{}}".getBytes(StandardCharsets.UTF_8);
  private static final String PUT = "PUT /v2/a/b/manifests/v1";
  private final List<Duration> waits = new ArrayList<>();
  private final List<String> log = new ArrayList<>();
  private FakeRegistry server;
  private Registry registry;

  @BeforeEach
  void start() throws IOException {
    server = new FakeRegistry();
    registry = new Registry(RegistryHosts.DEFAULT, "test", new Retries(waits::add));
  }

  @AfterEach
  void stop() {
    registry.close();
    server.close();
  }

  private Push.Outcome put() {
    return registry
        .push(ImageRef.parse(server.host() + "/a/b:v1"), false, Credentials.ANONYMOUS)
        .manifest(
            new Descriptor(MediaTypes.OCI_MANIFEST, Digest.of(MANIFEST), MANIFEST.length),
            MANIFEST,
            Optional.of("v1"),
            log::add);
  }

  @Test
  void aBusyRegistryIsWaitedForAsItAsks() {
    server.retryAfter = "70";
    server.failures.put(PUT, List.of(429, 429, 503));
    assertThat(put()).isEqualTo(Push.Outcome.SENT);
    assertThat(waits).containsOnly(Duration.ofSeconds(70)).hasSize(3);
    assertThat(log).contains("retrying in 70s\n").anyMatch(line -> line.contains("429 Too Many"));
  }

  @Test
  void withoutATimeTheWaitsGrow() {
    server.failures.put(PUT, List.of(429, 429, 429, 429, 429));
    assertThat(put()).isEqualTo(Push.Outcome.SENT);
    assertThat(waits).extracting(Duration::toSeconds).containsExactly(1L, 2L, 4L, 8L, 16L);
  }

  @Test
  void aTimeThatIsPastIsAShortWait() {
    server.retryAfter = "Sun, 06 Nov 1994 08:49:37 GMT";
    server.failures.put(PUT, List.of(429));
    assertThat(put()).isEqualTo(Push.Outcome.SENT);
    assertThat(waits).containsExactly(Duration.ofSeconds(1));
  }

  @Test
  void nobodyWaitsForHours() {
    server.retryAfter = "7200";
    server.failures.put(PUT, List.of(429));
    assertThatThrownBy(this::put)
        .hasMessageContaining("429 Too Many Requests")
        .hasMessageEndingWith("(it asks to come back in 7200s; a build waits up to 300s)");
    assertThat(waits).isEmpty();
  }

  @Test
  void theWaitsTogetherHaveABound() {
    server.retryAfter = "299";
    server.failures.put(PUT, Collections.nCopies(100, 429));
    assertThatThrownBy(this::put).hasMessageContaining("429 Too Many Requests");
    assertThat(waits).hasSize(3);
  }

  @Test
  void resolvingWaitsTooAndOnlyThen() {
    server.addManifest("a/b", "v1", MediaTypes.OCI_MANIFEST, MANIFEST);
    var ref = ImageRef.parse(server.host() + "/a/b:v1");
    server.retryAfter = "5";
    server.failures.put("HEAD /v2/a/b/manifests/v1", List.of(429));
    assertThat(registry.resolve(ref, Credentials.ANONYMOUS, log::add).digest())
        .isEqualTo(Digest.of(MANIFEST));
    assertThat(waits).containsExactly(Duration.ofSeconds(5));
    server.retryAfter = "";
    server.failures.put("HEAD /v2/a/b/manifests/v1", List.of(500));
    assertThatThrownBy(() -> registry.resolve(ref, Credentials.ANONYMOUS, log::add))
        .hasMessageContaining("500");
    assertThat(waits).hasSize(1);
  }
}
