package dev.kiln.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.registry.hostile.Fault;
import dev.kiln.registry.hostile.HostileRegistry;
import dev.kiln.registry.hostile.HostileRegistry.Stage;
import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each fault at each stage: an answer in time, in words, and nothing kept. */
@Timeout(120)
class HostileRegistryTest {
  private static final Patience LITTLE =
      new Patience(Duration.ofMillis(400), 1 << 20, Duration.ofMillis(400));

  private interface Use {
    void of(Registry registry, HostileRegistry server) throws Exception;
  }

  /** For servers that are to be found right, also on a busy machine. */
  private static final Patience SOME =
      new Patience(Duration.ofSeconds(2), 1 << 20, Duration.ofSeconds(2));

  private static Registry client(RegistryHosts hosts, Patience patience) {
    return new Registry(hosts, "test", new Retries(_ -> {}), patience, Clock.systemUTC());
  }

  private static ImageRef ref(String host) {
    return ImageRef.parse(host + "/a/b:v1");
  }

  private static void pull(Registry registry, HostileRegistry like, ImageRef ref) {
    var who = new Client("s", "user", "hunter2");
    registry.resolve(ref, who, _ -> {}); // a tag may name anything
    assertThat(registry.small(ref, like.manifest(), who, _ -> {})).isEqualTo(like.manifestBytes());
    var sink = new MemorySink();
    try {
      registry.download(ref, like.layer(), who, sink, _ -> {});
    } finally {
      assertThat(sink.written()).isLessThanOrEqualTo(like.layer().sizeBytes());
    }
    assertThat(sink.bytes()).isEqualTo(like.layerBytes());
  }

  private static void push(Registry registry, HostileRegistry server) {
    byte[] bytes = new byte[100_000];
    var blob = new Descriptor(MediaTypes.OCI_LAYER, Digest.of(bytes), bytes.length);
    Push push =
        registry.push(
            ImageRef.parse(server.host() + "/a/new:v1"), false, new Client("s", "user", "hunter2"));
    push.blob(blob, Optional.empty(), () -> new ByteArrayInputStream(bytes), _ -> {});
    push.manifest(server.manifest(), server.manifestBytes(), Optional.of("v1"), _ -> {});
  }

  private record Ended(String name, Duration took, Optional<Throwable> failure) {}

  private static Ended run(Stage stage, Fault fault, Use use) {
    long begun = System.nanoTime();
    Optional<Throwable> failure = Optional.empty();
    try (var server = HostileRegistry.start(stage, fault);
        var registry = client(RegistryHosts.DEFAULT, LITTLE)) {
      use.of(registry, server);
    } catch (Throwable e) {
      failure = Optional.of(e);
    }
    return new Ended(stage + " " + fault, Duration.ofNanos(System.nanoTime() - begun), failure);
  }

  private static List<Ended> all(List<Stage> stages, Use use) throws Exception {
    var ended = new ArrayList<CompletableFuture<Ended>>();
    try (var threads = Executors.newFixedThreadPool(24)) {
      for (Stage stage : stages) {
        for (Fault fault : Fault.values()) {
          ended.add(CompletableFuture.supplyAsync(() -> run(stage, fault, use), threads));
        }
      }
    }
    var all = new ArrayList<Ended>();
    for (CompletableFuture<Ended> one : ended) {
      all.add(one.get(1, TimeUnit.SECONDS));
    }
    return all;
  }

  @Test
  void eachFaultEndsInTimeAndInWords() throws Exception {
    var softly = new SoftAssertions();
    List<Ended> all =
        all(
            List.of(Stage.values()),
            (registry, server) -> {
              pull(registry, server, ref(server.host()));
              push(registry, server);
            });
    for (Ended ended : all) {
      softly.assertThat(ended.took()).as(ended.name()).isLessThan(Duration.ofSeconds(40));
      ended
          .failure()
          .ifPresent(e ->
              softly
                  .assertThat(e)
                  .as(ended.name())
                  .isInstanceOfSatisfying(
                      BuildException.class,
                      b -> {
                        assertThat(b.kind()).isNotEqualTo(Kind.INTERNAL);
                        assertThat(b.getMessage())
                            .containsAnyOf("127.0.0.1:", "sha256:", "authorization")
                            .doesNotContain("hunter2", "Exception")
                            .hasSizeLessThan(5000);
                      }));
    }
    softly.assertAll();
  }

  @Test
  void aMirrorsFaultIsPassedOver() throws Exception {
    var softly = new SoftAssertions();
    List<Ended> all =
        all(
            List.of(Stage.TOKEN, Stage.TAG, Stage.MANIFEST, Stage.LAYER),
            (_, mirror) -> {
              try (var right = HostileRegistry.harmless();
                  var mirrored = client(mirrored(right.host(), mirror.host()), SOME)) {
                pull(mirrored, right, ref(right.host()));
                // with what is remembered
                mirrored.resolve(ref(right.host()), new Client("s", "user", "hunter2"), _ -> {});
                assertThat(mirror.server().requests()).isNotEmpty();
              }
            });
    for (Ended ended : all) {
      softly.assertThat(ended.failure()).as(ended.name()).isEmpty();
    }
    softly.assertAll();
  }

  private static RegistryHosts mirrored(String domain, String mirror) {
    return new RegistryHosts(
        Map.of(
            domain,
            new RegistryHosts.Host(
                List.of(mirror),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of(),
                List.of())));
  }

  @Test
  void aMirrorThatSpeaksNoTlsOrIsConfiguredWronglyIsPassedOver() throws Exception {
    var noTls =
        new RegistryHosts.Host(
            List.of(), Optional.of(false), Optional.empty(), List.of(), List.of(), List.of());
    var noCertificate =
        new RegistryHosts.Host(
            List.of(),
            Optional.of(false),
            Optional.empty(),
            List.of(Path.of("/nonexistent/root.pem")),
            List.of(),
            List.of());
    for (RegistryHosts.Host wrong : List.of(noTls, noCertificate)) {
      try (var right = HostileRegistry.harmless();
          var mirror = HostileRegistry.harmless()) {
        var hosts = new HashMap<>(mirrored(right.host(), mirror.host()).hosts());
        hosts.put(mirror.host(), wrong);
        try (var registry = client(new RegistryHosts(hosts), SOME)) {
          pull(registry, right, ref(right.host()));
        }
      }
    }
  }

  @Test
  void theFixtureItselfIsARegistry() throws Exception {
    try (var server = HostileRegistry.harmless();
        var registry = client(RegistryHosts.DEFAULT, SOME)) {
      assertThat(registry.resolve(ref(server.host()), Credentials.ANONYMOUS, _ -> {}))
          .isEqualTo(server.manifest());
      pull(registry, server, ref(server.host()));
      push(registry, server);
    }
  }
}
