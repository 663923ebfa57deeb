package dev.kiln.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.registry.real.DockerRegistry;
import dev.kiln.registry.real.TokenIssuer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Against distribution's own server, where it is installed: each way in, for each use. */
@Timeout(60)
class DockerRegistryTest {
  private static final byte[] CONFIG =
      "{\"rootfs\":{\"type\":\"layers\"}}".getBytes(StandardCharsets.UTF_8);
  private static final int LAYERS = 6;
  private static final Duration TOKEN_LIFE = Duration.ofSeconds(2);

  @TempDir static Path temp;
  private static TokenIssuer tokens;
  private static DockerRegistry open;
  private static DockerRegistry basic;
  private static DockerRegistry bearer;

  @BeforeAll
  static void start() throws Exception {
    tokens = TokenIssuer.start(temp);
    open = DockerRegistry.open(Files.createDirectory(temp.resolve("open")));
    basic = DockerRegistry.withPassword(Files.createDirectory(temp.resolve("basic")));
    bearer = DockerRegistry.withTokens(Files.createDirectory(temp.resolve("bearer")), tokens);
  }

  @AfterAll
  static void stop() {
    for (AutoCloseable one : new AutoCloseable[] {tokens, open, basic, bearer}) {
      try {
        if (one != null) {
          one.close();
        }
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Ways that lead in. */
  enum Way {
    OPEN,
    OPEN_WITH_CREDENTIALS,
    BASIC,
    TOKEN,
    ACCESS_TOKEN,
    REFRESH_TOKEN,
    TOKENS_THAT_EXPIRE;

    DockerRegistry registry() {
      return switch (this) {
        case OPEN, OPEN_WITH_CREDENTIALS -> open;
        case BASIC -> basic;
        case TOKEN, ACCESS_TOKEN, REFRESH_TOKEN, TOKENS_THAT_EXPIRE -> bearer;
      };
    }

    Credentials who() {
      return switch (this) {
        case OPEN -> Credentials.ANONYMOUS;
        case REFRESH_TOKEN -> new Client("s", "", "offline");
        case OPEN_WITH_CREDENTIALS, BASIC, TOKEN, ACCESS_TOKEN, TOKENS_THAT_EXPIRE ->
            new Client("s", "user", "word");
      };
    }
  }

  /** Ways that do not. */
  enum NoWay {
    NO_CREDENTIALS,
    WRONG_CREDENTIALS,
    ANOTHER_HOSTS_CREDENTIALS;

    Credentials who() {
      return switch (this) {
        case NO_CREDENTIALS -> Credentials.ANONYMOUS;
        case WRONG_CREDENTIALS -> new Client("s", "user", "hunter2");
        case ANOTHER_HOSTS_CREDENTIALS -> new Client("s", "user", "word", "other.example"::equals);
      };
    }
  }

  private record Image(List<byte[]> layers, byte[] manifest) {
    static Image random() {
      var layers = new ArrayList<byte[]>();
      var random = new Random();
      var descriptors = new ArrayList<String>();
      for (int i = 0; i < LAYERS; i++) {
        byte[] layer = new byte[200_000 + i];
        random.nextBytes(layer);
        layers.add(layer);
        descriptors.add(json(of(MediaTypes.OCI_LAYER, layer)));
      }
      String json =
          "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":%s,\"layers\":[%s]}"
              .formatted(
                  MediaTypes.OCI_MANIFEST,
                  json(of(MediaTypes.OCI_CONFIG, CONFIG)),
                  String.join(",", descriptors));
      return new Image(layers, json.getBytes(StandardCharsets.UTF_8));
    }

    private static String json(Descriptor d) {
      return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d}"
          .formatted(d.mediaType(), d.digest(), d.sizeBytes());
    }

    Descriptor top() {
      return of(MediaTypes.OCI_MANIFEST, manifest);
    }
  }

  private static Descriptor of(String type, byte[] bytes) {
    return new Descriptor(type, Digest.of(bytes), bytes.length);
  }

  private static Push.Outcome send(
      Push push, Descriptor blob, byte[] bytes, Optional<String> from) {
    return push.blob(blob, from, () -> new ByteArrayInputStream(bytes), _ -> {});
  }

  private static void push(Registry registry, ImageRef ref, Credentials who, Image image)
      throws Exception {
    Push push = registry.push(ref, false, who);
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var all = new ArrayList<Future<Push.Outcome>>();
      for (byte[] layer : image.layers()) {
        all.add(
            threads.submit(
                () -> send(push, of(MediaTypes.OCI_LAYER, layer), layer, Optional.empty())));
      }
      all.add(
          threads.submit(
              () -> send(push, of(MediaTypes.OCI_CONFIG, CONFIG), CONFIG, Optional.empty())));
      for (Future<Push.Outcome> one : all) {
        one.get();
      }
    }
    push.manifest(image.top(), image.manifest(), ref.tag(), _ -> {});
  }

  private static void pull(Registry registry, ImageRef ref, Credentials who, Image image)
      throws Exception {
    Descriptor top = registry.resolve(ref, who, _ -> {});
    assertThat(top).isEqualTo(image.top());
    assertThat(registry.small(ref, top, who, _ -> {})).isEqualTo(image.manifest());
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var all = new ArrayList<Future<byte[]>>();
      for (byte[] layer : image.layers()) {
        all.add(
            threads.submit(() -> {
              var sink = new MemorySink();
              sink.write(layer, 0, layer.length / 2); // as if half had come already
              registry.download(ref, of(MediaTypes.OCI_LAYER, layer), who, sink, _ -> {});
              return sink.bytes();
            }));
      }
      for (int i = 0; i < all.size(); i++) {
        assertThat(all.get(i).get()).isEqualTo(image.layers().get(i));
      }
    }
  }

  private static Registry client(RegistryHosts hosts) {
    return new Registry(hosts, "test", new Retries(_ -> {}));
  }

  @ParameterizedTest
  @EnumSource
  void aWayInServesForEachUse(Way way) throws Exception {
    String host = way.registry().host();
    Image image = Image.random();
    ImageRef ref = ImageRef.parse(host + "/team/" + way.name().toLowerCase() + ":v1");
    tokens.field = way == Way.ACCESS_TOKEN ? "access_token" : "token";
    int issued = tokens.issued();
    try (Registry registry = client(RegistryHosts.DEFAULT)) {
      if (way == Way.TOKENS_THAT_EXPIRE) {
        tokens.shortenNext(TOKEN_LIFE);
        push(registry, ref, way.who(), Image.random());
        Thread.sleep(TOKEN_LIFE.plusSeconds(1)); // the registry's clock is the real one
      }
      push(registry, ref, way.who(), image);
      pull(registry, ref, way.who(), image);
      mountElsewhere(registry, host, ref, way, image);
    }
    assertThat(tokens.issued() - issued).isLessThanOrEqualTo(8);
    throughMirrors(way, ref, image);
  }

  private static void mountElsewhere(
      Registry registry, String host, ImageRef from, Way way, Image image) {
    Push other =
        registry.push(
            ImageRef.parse(host + "/other/" + way.name().toLowerCase()), false, way.who());
    byte[] layer = image.layers().getFirst();
    assertThat(send(other, of(MediaTypes.OCI_LAYER, layer), layer, Optional.of(from.path())))
        .isEqualTo(Push.Outcome.MOUNTED);
  }

  /** The image's registry is a mirror, behind one that refuses everybody. */
  private static void throughMirrors(Way way, ImageRef ref, Image image) throws Exception {
    var hosts =
        new RegistryHosts(
            Map.of(
                "mirrored.example",
                new RegistryHosts.Host(
                    List.of(basic.host() + "/nobody", ref.domain()),
                    Optional.of(true),
                    Optional.empty(),
                    List.of(),
                    List.of(),
                    List.of())));
    ImageRef mirrored =
        ImageRef.parse("mirrored.example/" + ref.path() + ":" + ref.tag().orElseThrow());
    try (Registry registry = client(hosts)) {
      pull(registry, mirrored, way.who(), image);
    }
  }

  @ParameterizedTest
  @EnumSource
  void refusalsAreToldForEachUse(NoWay noWay) throws Exception {
    for (DockerRegistry at : List.of(basic, bearer)) {
      ImageRef ref = ImageRef.parse(at.host() + "/team/closed:v1");
      byte[] layer = "layer".getBytes(StandardCharsets.UTF_8);
      Descriptor blob = of(MediaTypes.OCI_LAYER, layer);
      var log = new ArrayList<String>();
      int issued = tokens.issued();
      try (Registry registry = client(RegistryHosts.DEFAULT)) {
        Push push = registry.push(ref, false, noWay.who());
        refused(at, () -> registry.resolve(ref, noWay.who(), log::add));
        refused(at, () -> registry.small(ref, blob, noWay.who(), log::add));
        refused(at, () -> registry.download(ref, blob, noWay.who(), new MemorySink(), log::add));
        refused(
            at,
            () ->
                push.blob(
                    blob,
                    Optional.of("team/other"),
                    () -> new ByteArrayInputStream(layer),
                    log::add));
        refused(at, () -> push.manifest(blob, layer, Optional.of("v1"), log::add));
      }
      assertThat(log).isEmpty();
      assertThat(tokens.issued() - issued).isLessThanOrEqualTo(15);
    }
  }

  private interface Use {
    void run() throws IOException;
  }

  private static void refused(DockerRegistry at, Use use) {
    assertThatThrownBy(use::run)
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DENIED))
        .hasMessageMatching("(?s).*(401 Unauthorized|authorization failed).*")
        .hasMessageContaining("127.0.0.1")
        .hasMessageNotContaining("hunter2");
  }

  @org.junit.jupiter.api.Test
  void repositoriesOpenToAllNeedNoCredentials() throws Exception {
    Image image = Image.random();
    ImageRef ref = ImageRef.parse(bearer.host() + "/public/app:v1");
    try (Registry registry = client(RegistryHosts.DEFAULT)) {
      push(registry, ref, Way.TOKEN.who(), image);
      pull(registry, ref, Credentials.ANONYMOUS, image);
    }
  }
}
